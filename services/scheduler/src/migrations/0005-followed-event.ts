import { addFollowedEvent } from '@rigel/event-store';

/** Checkpoints name the last event that was followed. */
export const up = addFollowedEvent;
