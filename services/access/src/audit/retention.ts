import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { AccessTables } from '../tables.js';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
/** Rows deleted in one transaction, so that none takes long. */
const AT_ONCE = 5_000;

/**
 * Deletes lines of the audit that are older than `days`, once an hour. The checkpoints stay, so the deleted lines do
 * not come back.
 * @param days 0 = keep all lines.
 */
export function startRetention(
  db: Kysely<AccessTables>,
  { days, log }: { days: number; log: Logger },
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (days > 0 && !signal.aborted) {
      try {
        const deleted = await deleteBefore(db, Date.now() - days * DAY_MS, signal);
        if (deleted > 0)
          log.info({ deleted, days }, `deleted lines of the audit that are older than ${days} days`);
      } catch (error) {
        log.warn({ err: error }, 'deleting old lines of the audit failed, trying again in an hour');
      }
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** @returns how many lines were deleted. */
export async function deleteBefore(
  db: Kysely<AccessTables>,
  time: number,
  signal?: AbortSignal,
): Promise<number> {
  let deleted = 0;
  while (!signal?.aborted) {
    const { numAffectedRows = 0n } = await sql`
      DELETE FROM audit WHERE id = ANY (ARRAY(
        SELECT id FROM audit WHERE time < ${time} ORDER BY time LIMIT ${AT_ONCE}))`.execute(db);
    deleted += Number(numAffectedRows);
    if (numAffectedRows < BigInt(AT_ONCE)) break;
  }
  return deleted;
}
