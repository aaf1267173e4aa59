import { systemClock } from '@rigel/clock';
import type { EventOwner, PublishedEvent } from '@rigel/contracts';
import { databaseCheckpoint, EventConsumer } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Kysely, Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { AccessTables } from '../tables.js';
import { ACTIONS, actionOf, nameIn } from './audited-events.js';
import { type AuditRow, insertAudit, releasePositions } from './rows.js';

const OWNERS = Object.keys(ACTIONS) as EventOwner[];

/**
 * Follows the histories of all services, also of the access service, and records the actions of people in the audit,
 * each once.
 * @returns the running consumers.
 */
export function followHistories({
  db,
  bus,
  log,
}: {
  db: Kysely<unknown>;
  bus: Bus;
  log: Logger;
}): EventConsumer[] {
  return OWNERS.map((owner) => {
    const checkpoint = databaseCheckpoint({
      name: 'audit',
      owner,
      db,
      // The audit reads no field of the data that differs between versions: `actionOf`, `nameIn`.
      types: { has: (type) => actionOf(owner, type) !== undefined, upcast: (event) => event },
      handle: (trx, events) =>
        insertAudit(
          trx as Transaction<AccessTables>,
          events.map((event) => rowOf(owner, event)),
        ),
      forgetAfter: (trx, head) =>
        releasePositions(trx as Transaction<AccessTables>, owner, head, systemClock.now()),
    });
    const consumer = new EventConsumer({ owner, checkpoint, bus, clock: systemClock, log });
    consumer.start();
    return consumer;
  });
}

function rowOf(owner: EventOwner, event: PublishedEvent): AuditRow {
  const { meta } = event;
  return {
    source: owner,
    position: event.position,
    time: event.recorded_at,
    operator: textOf(meta.actor),
    action: actionOf(owner, event.type, event.data) ?? event.type,
    target: event.stream,
    name: nameIn(event),
    client: textOf(meta.client),
    correlation_id: textOf(meta.correlationId),
    outcome: 'done',
    status: 0,
    reason: '',
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
