import { createPool, openDatabase } from '@rigel/runtime';
import { silentLogger } from '@rigel/testing';
import { migrations } from '../migrations/index.js';
import type { Tables } from '../tables.js';
import { TaskStore } from '../task-store.js';
import { verifyTask } from '../verify.js';

/** Differences between the events and the read tables of tasks; each in words. */
export async function differencesOf(
  { databaseUrl }: { databaseUrl: string },
  ...taskIds: number[]
): Promise<string[]> {
  const pool = createPool(databaseUrl, 'scheduler', silentLogger, 1);
  const db = await openDatabase<Tables>({
    url: databaseUrl,
    schema: 'scheduler',
    migrations,
    log: silentLogger,
    signal: new AbortController().signal,
    pool,
  });
  try {
    const differences: string[] = [];
    for (const id of taskIds)
      differences.push(...(await verifyTask(db, new TaskStore(db, pool, () => undefined), id)));
    return differences;
  } finally {
    await db.destroy();
  }
}
