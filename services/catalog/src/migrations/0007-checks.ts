import { createChecks } from '@rigel/event-store';
import type { Migration } from 'kysely/migration';

/** The last result of each check of this service, and the one that is under way. */
export const checks: Migration = { up: createChecks };
