import { type HISTORY_SERVICES, historyState } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { type Kysely, sql } from 'kysely';
import type { EventConsumer } from './feed/consumer.js';
import { readHead } from './log/event-store.js';

/** Serves where the history of a service ends, and how far it has followed the histories of others. */
export function serveHistoryState(
  operations: Operations,
  service: (typeof HISTORY_SERVICES)[number],
  db: Kysely<unknown>,
  /** Its consumers: a checkpoint alone does not say what is left, as nothing is written for events that concern nobody. */
  consumers: readonly Pick<EventConsumer, 'owner' | 'lag'>[] = [],
): void {
  operations.serve(historyState(service), async () => {
    const [head, { rows }] = await Promise.all([
      readHead(db),
      sql<{ name: string; owner: string; position: number }>`
        SELECT consumer AS name, owner, position FROM event_checkpoints ORDER BY consumer, owner`.execute(db),
    ]);
    const followers = rows.map((row) => ({
      ...row,
      behind: consumers.find(({ owner }) => owner === row.owner)?.lag ?? 0,
    }));
    return { head, followers };
  });
}
