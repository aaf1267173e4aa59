import { createKeptAnswers } from '@rigel/event-store';

/** What was answered to requests under a key, for their repetitions. */
export const up = createKeptAnswers;
