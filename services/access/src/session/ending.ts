import { setTimeout as sleep } from 'node:timers/promises';
import type { EventRelay } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { AccessTables } from '../tables.js';
import { endWhatIsOver } from './sessions.js';

const EVERY_MS = 60_000;

/** Records the ends of sessions whose time or token is over, once a minute. */
export function startEnding(
  db: Kysely<AccessTables>,
  { relay, log }: { relay: EventRelay; log: Logger },
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if ((await endWhatIsOver(db, Date.now())) > 0) relay.notify();
      } catch (error) {
        log.warn({ err: error }, 'recording the ends of sessions failed, trying again in a minute');
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
