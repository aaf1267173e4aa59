import type { EventOwner, FoundDifference } from '@rigel/contracts';

/* What the thread that verifies and the service that started it say to each other. */

/** What the thread is started with. */
export interface VerifyTask {
  databaseUrl: string;
}

/** A question about the history of another service, which only the service can ask. */
export type Question =
  | { ask: 'head'; id: number; owner: EventOwner }
  | { ask: 'event'; id: number; owner: EventOwner; position: number };

/** The answer; `failure`: it could not be had. */
export type Reply = { id: number; head?: number; event?: string | undefined; failure?: string };

export type FromThread =
  | Question
  | { progress: number }
  | { done: { events: number; differences: number; found: FoundDifference[] } }
  /** It could not be done. */
  | { failure: string };
