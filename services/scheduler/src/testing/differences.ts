import { readHead } from '@rigel/event-store';
import { describeDifference, verifyHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger } from '@rigel/testing';
import { schedulerHistory } from '../maintenance/history.js';
import { migrations } from '../migrations/index.js';

/** Differences between the scheduler's events and its read tables. */
export async function differences(servers: { databaseUrl: string }): Promise<string[]> {
  const db = await openExisting({
    url: servers.databaseUrl,
    schema: 'scheduler',
    migrations,
    log: silentLogger,
  });
  const found: string[] = [];
  try {
    await verifyHistory(db, schedulerHistory, {
      headOf: () => readHead(db),
      onDifference: (difference) => found.push(describeDifference(difference)),
    });
    return found;
  } finally {
    await db.destroy();
  }
}
