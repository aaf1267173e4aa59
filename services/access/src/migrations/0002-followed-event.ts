import { addFollowedEvent } from '@rigel/event-store';
import type { Migration } from 'kysely/migration';

/** Checkpoints name the last event that was followed. */
export const followedEvent: Migration = { up: addFollowedEvent };
