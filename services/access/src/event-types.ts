import { EventTypes } from '@rigel/event-store';
import { type SessionEvent, sessionEvents } from './session/decider.js';
import { type TokenEvent, tokenEvents } from './token/decider.js';

/** Every type of event in the access service's history; each is declared beside its rules. */
export const eventTypes = new EventTypes<TokenEvent | SessionEvent>({ ...tokenEvents, ...sessionEvents });
