import { systemClock } from '@rigel/clock';
import { type PublishedTaskEvent, publishedTaskEvents } from '@rigel/contracts';
import { append, databaseCheckpoint, EventConsumer, EventTypes } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import type { Logger } from 'pino';
import { eventTypes } from '../event-types.js';
import { project } from '../projection.js';
import { recordMachines } from './machines.js';
import { type FollowedEvent, summarize } from './reports.js';

const STREAM = 'node-reports';
const LAST_VERSION = prepared('SELECT coalesce(max(version), 0) AS version FROM events WHERE stream = $1');
const followed = new EventTypes<PublishedTaskEvent>(publishedTaskEvents);

/**
 * Follows the scheduler's history and records the results for our nodes in the transaction that moves the checkpoint,
 * so that each event counts once. @returns the running consumer.
 */
export function followScheduler({
  db,
  bus,
  sshPort,
  log,
}: {
  db: Kysely<unknown>;
  bus: Bus;
  sshPort: number;
  log: Logger;
}): EventConsumer {
  const checkpoint = databaseCheckpoint({
    name: 'node-reports',
    owner: 'scheduler',
    db,
    types: followed,
    handle: async (trx, events) => {
      // Only the followed types arrive, and in the shapes declared for them.
      const told = events as unknown as FollowedEvent[];
      const meta = { correlationId: `scheduler-${events[0]?.position}`, actor: 'scheduler' };
      await recordMachines(trx, told, { meta, sshPort, log });
      const report = summarize(told);
      if (!report) return;
      // The checkpoint's row is locked, and only this consumer appends to the stream: the version does not change
      // meanwhile.
      const { rows } = await trx.executeQuery<{ version: number }>(CompiledQuery.raw(LAST_VERSION, [STREAM]));
      const recorded = await append(
        trx,
        eventTypes,
        [
          {
            stream: STREAM,
            expectedVersion: rows[0]?.version ?? 0,
            events: [report],
            meta,
          },
        ],
        Date.now(),
      );
      await project(trx, recorded);
    },
  });
  const consumer = new EventConsumer({ owner: 'scheduler', checkpoint, bus, clock: systemClock, log });
  consumer.start();
  return consumer;
}
