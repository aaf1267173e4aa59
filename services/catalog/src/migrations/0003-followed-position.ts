import { addFollowedPosition } from '@rigel/event-store';
import type { Migration } from 'kysely/migration';

/** The last event that was followed counts only at the position that it was written for. */
export const followedPosition: Migration = { up: addFollowedPosition };
