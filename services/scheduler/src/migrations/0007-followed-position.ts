import { addFollowedPosition } from '@rigel/event-store';

/** The last event that was followed counts only at the position that it was written for. */
export const up = addFollowedPosition;
