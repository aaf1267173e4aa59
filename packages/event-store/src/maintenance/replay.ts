import { type Kysely, sql, type Transaction } from 'kysely';
import type { Project } from '../log/decider.js';
import { holdWriters, readAll } from '../log/event-store.js';
import { checkEvents } from './check-events.js';
import { createCopies, dropCopies, replaceByCopies } from './copies.js';
import { describeDifference, HistoryDamaged } from './difference.js';
import type { Progress, ServiceHistory } from './service-history.js';
import { STATEMENT_TIMEOUT } from './verify.js';

const CHUNK = 1_000;

interface Evolving {
  evolve: (state: never, event: never) => unknown;
}

/** Folds streams named `<kind>-<number>` with the decider of their kind. Other streams have no state. */
export function evolveByKind(deciders: Record<string, Evolving>): ServiceHistory['evolve'] {
  return (state, event) => {
    const kind = /^(.+)-\d+$/.exec(event.stream)?.[1];
    const decider = kind === undefined ? undefined : deciders[kind];
    return decider?.evolve(state as never, event as never);
  };
}

/** Projects the history after a position, to its end. @returns the last position. */
export async function projectAll(
  trx: Transaction<unknown>,
  { types }: Pick<ServiceHistory, 'types'>,
  project: Project,
  progress: Progress,
  after = 0,
): Promise<number> {
  let position = after;
  for (;;) {
    const events = await readAll(trx, types, position, CHUNK);
    if (events.length > 0) await project(trx, events);
    position = events.at(-1)?.position ?? position;
    progress(position);
    if (events.length < CHUNK) return position;
  }
}

/**
 * Rebuilds the rows of a service's read tables from its events, while the service runs.
 * @throws HistoryDamaged if events are missing: rows made from the others would be wrong.
 */
export async function rebuildHistory(
  db: Kysely<unknown>,
  history: ServiceHistory,
  progress: Progress = () => undefined,
): Promise<void> {
  const { differences } = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((trx) => checkEvents(trx));
  const [first] = differences;
  if (first) {
    throw new HistoryDamaged(
      `events of ${history.service} are missing, so nothing was changed: ${describeDifference(first)}`,
    );
  }
  await history.rebuild(db, progress);
}

/**
 * Replaces the rows of a service's read tables by the projection of the whole history. The new rows are first made in
 * copies, while the service runs. Writers wait only while the last events are projected and the rows are replaced.
 * Readers see the old rows until then.
 */
export async function rebuildByProjection(
  db: Kysely<unknown>,
  history: ServiceHistory,
  project: Project,
  progress: Progress,
): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`SET statement_timeout = ${sql.lit(STATEMENT_TIMEOUT)}`.execute(connection);
    await createCopies(connection, history, { keep: true });
    try {
      const position = await connection
        .transaction()
        .execute((trx) => projectAll(trx, history, project, progress));
      await connection.transaction().execute(async (trx) => {
        await holdWriters(trx);
        await projectAll(trx, history, project, progress, position);
        await replaceByCopies(trx, history);
      });
    } finally {
      await dropCopies(connection, history);
    }
  });
}
