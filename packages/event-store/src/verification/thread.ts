import { parentPort, workerData } from 'node:worker_threads';
import { type EventOwner, type FoundDifference, MAX_SHOWN_DIFFERENCES } from '@rigel/contracts';
import { DatabaseNotUsable, openExisting } from '@rigel/runtime/database';
import { pino } from 'pino';
import { UnknownEvent } from '../log/event-types.js';
import { foundOf } from '../maintenance/difference.js';
import type { ServiceHistory } from '../maintenance/service-history.js';
import { verifyHistory } from '../maintenance/verify.js';
import type { FromThread, Question, Reply, VerifyTask } from './messages.js';

/** Code of PostgreSQL: the role lacks a right. */
const NO_RIGHT = '42501';

/**
 * Verifies the history of a service, in the thread that `verifyInThread` has started: folding a long history would hold up the
 * other work of the service. The thread has a database connection of its own, which it closes: temporary tables of an earlier
 * verification on the same connection would decide what the name of a table means.
 */
export async function runVerification(history: ServiceHistory): Promise<void> {
  const { databaseUrl } = workerData as VerifyTask;
  const tell = (message: FromThread) => parentPort?.postMessage(message);
  try {
    tell({ done: await verify(history, databaseUrl, tell) });
  } catch (error) {
    tell({ failure: failureOf(error) });
  } finally {
    parentPort?.close();
  }
}

async function verify(history: ServiceHistory, url: string, tell: (message: FromThread) => void) {
  const { service, migrations } = history;
  const log = pino({ level: 'silent' });
  const db = await openExisting({ url, schema: service, migrations, log });
  const found: FoundDifference[] = [];
  try {
    const { events, differences } = await verifyHistory(db, history, {
      headOf: async (owner) => (await ask({ ask: 'head', owner })).head ?? 0,
      eventAt: async (owner, position) => (await ask({ ask: 'event', owner, position })).event,
      onDifference: (difference) => {
        if (found.length < MAX_SHOWN_DIFFERENCES) found.push(foundOf(difference));
      },
      progress: (progress) => tell({ progress }),
    });
    return { events, differences, found };
  } finally {
    await db.destroy();
  }
}

let asked = 0;

/** Asks the service about the history of another one. */
function ask(
  question: { ask: 'head'; owner: EventOwner } | { ask: 'event'; owner: EventOwner; position: number },
): Promise<Reply> {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    const hear = (reply: Reply): void => {
      if (reply.id !== id) return;
      parentPort?.off('message', hear);
      if (reply.failure === undefined) resolve(reply);
      else reject(new Error(`the history of ${question.owner} cannot be asked: ${reply.failure}`));
    };
    parentPort?.on('message', hear);
    parentPort?.postMessage({ ...question, id } satisfies Question);
  });
}

function failureOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === NO_RIGHT)
    return (
      `the database role of the service lacks a right (${message}): verifying needs temporary tables. ` +
      'Repeat `rigel database prepare` of this release'
    );
  if (error instanceof DatabaseNotUsable || error instanceof UnknownEvent) return error.message;
  return message || String(error);
}
