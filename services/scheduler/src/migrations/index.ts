import type { Migration } from 'kysely/migration';
import * as initial from './0001-initial.js';

/** Applied in the order of their names; never edited once released. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
};
