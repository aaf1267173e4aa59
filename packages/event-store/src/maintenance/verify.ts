import type { EventOwner } from '@rigel/contracts';
import { type Kysely, sql, type Transaction } from 'kysely';
import { readHead, readIdentity } from '../log/event-store.js';
import { FOLLOWED_EVENT } from '../log/schema.js';
import { checkEvents } from './check-events.js';
import { compareWithCopy } from './compare.js';
import { createCopies } from './copies.js';
import type { Difference } from './difference.js';
import type { Progress, ServiceHistory } from './service-history.js';

/** A statement that takes longer is a fault. */
export const STATEMENT_TIMEOUT = '10min';

/**
 * Folds all events of a service and compares the result with its read tables, in one snapshot, so the service may be
 * running. Memory holds one stream at a time; the copies of the read tables are temporary tables in the database.
 *
 * @param headOf the last position of another service's history, read after the snapshot, so it is never too small.
 * @param eventAt identity of the event at a position of another service's history; undefined: no event, or not known.
 * @returns the number of events, and the number of differences that were reported.
 * @throws UnknownEvent if this program does not know the type or version of an event.
 */
export async function verifyHistory(
  db: Kysely<unknown>,
  history: ServiceHistory,
  options: {
    headOf: (owner: EventOwner) => Promise<number>;
    eventAt?: (owner: EventOwner, position: number) => Promise<string | undefined>;
    onDifference: (difference: Difference) => void;
    progress?: Progress;
  },
): Promise<{ events: number; differences: number }> {
  let differences = 0;
  const tell = (difference: Difference): void => {
    differences++;
    options.onDifference(difference);
  };
  const events = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      await sql`SET LOCAL statement_timeout = ${sql.lit(STATEMENT_TIMEOUT)}`.execute(trx);
      const checked = await checkEvents(trx);
      checked.differences.forEach(tell);
      const headOf = (owner: EventOwner) =>
        owner === history.service ? readHead(trx) : options.headOf(owner);
      const eventAt = async (owner: EventOwner, position: number) =>
        owner === history.service ? readIdentity(trx, position) : options.eventAt?.(owner, position);
      for (const difference of await checkCheckpoints(trx, headOf, eventAt)) tell(difference);
      await createCopies(trx, history, { keep: false });
      const broken = new Set(checked.broken);
      const replayed = await history.replay(trx, { broken, progress: options.progress ?? (() => undefined) });
      for (const difference of replayed) {
        tell(difference);
        if (difference.kind === 'history' && difference.stream) broken.add(difference.stream);
      }
      for (const table of history.tables) {
        for await (const difference of compareWithCopy(trx, history, table, broken)) tell(difference);
      }
      return readHead(trx);
    });
  return { events, differences };
}

/** Finds checkpoints beyond the end of the owner's history, and checkpoints at an event that is not in it. */
async function checkCheckpoints(
  trx: Transaction<unknown>,
  headOf: (owner: EventOwner) => Promise<number>,
  eventAt: (owner: EventOwner, position: number) => Promise<string | undefined>,
): Promise<Difference[]> {
  const { rows } = await sql<{ consumer: string; owner: EventOwner; position: number; event: string | null }>`
    SELECT consumer, owner, position, ${sql.raw(FOLLOWED_EVENT)} AS event FROM event_checkpoints ORDER BY consumer, owner`.execute(
    trx,
  );
  const differences: Difference[] = [];
  const history = (message: string) =>
    differences.push({ kind: 'history', message: `event_checkpoints: ${message}` });
  for (const { consumer, owner, position, event } of rows) {
    const head = await headOf(owner);
    if (position < 0 || position > head) {
      history(`${consumer} stands at position ${position} of ${owner}, whose head is ${head}`);
      continue;
    }
    const there = event === null ? undefined : await eventAt(owner, position);
    if (there !== undefined && there !== event) {
      history(
        `${consumer} has followed ${owner} to position ${position}, which was "${event}" and is "${there}" now`,
      );
    }
  }
  return differences;
}
