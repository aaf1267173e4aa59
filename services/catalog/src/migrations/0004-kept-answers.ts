import { createKeptAnswers } from '@rigel/event-store';
import type { Migration } from 'kysely/migration';

/** What was answered to requests under a key, for their repetitions. */
export const keptAnswers: Migration = { up: createKeptAnswers };
