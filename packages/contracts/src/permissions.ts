import { access } from './access.js';
import { catalog } from './catalog.js';
import { type EventOwner, eventsSubject, readEvents } from './events.js';
import {
  controlSubject,
  directOfferSubject,
  execution,
  HEARTBEAT_SUBJECT,
  PARTITIONS_TAKEN_SUBJECT,
  WORK_STREAM,
  WORK_SUBJECTS,
} from './execution.js';
import { health, SERVICES, type ServiceName } from './health.js';
import { inventory } from './inventory.js';
import { live, outputStoredSubject } from './live.js';
import { machinesOfNodes, orphans, vmProviders } from './machines.js';
import { nodeRuns } from './node-runs.js';
import { onceOf } from './once.js';
import { HISTORY_SERVICES, historyState, overview, schedulerSystem, search } from './overview.js';
import { plans } from './plans.js';
import { recordedPlan } from './recorded-plan.js';
import {
  SCHEDULE_SAVED_SUBJECT,
  TASK_CONTROL_OPERATION,
  TASK_CREATED_SUBJECT,
  TASK_WHY_OF_OWNER_OPERATION,
} from './replicas.js';
import type { Rpc } from './rpc.js';
import { schedules } from './schedules.js';
import { sessions } from './sessions.js';
import { taskGrid } from './task-grid.js';
import { taskPast } from './task-past.js';
import { taskReads } from './task-reads.js';
import { tasks } from './tasks.js';
import { beginVerification, readVerification } from './verification.js';
import { taskWhy } from './why.js';

/*
 * Who may publish and subscribe to what on NATS. Each participant has its own NATS user. The permissions of that user
 * are made from this table, and the server allows nothing else. A new service is a new entry.
 */

/** A kind of process that exchanges messages. */
export type Participant = ServiceName | 'gateway';

export const PARTICIPANTS: readonly Participant[] = ['gateway', ...SERVICES];

/** What a participant does, besides answering the operations that have its name. */
interface Part {
  /** Operations of others that it calls. */
  calls: readonly Rpc[];
  /** Subjects that it publishes to; `*` stands for one word. */
  tells: readonly string[];
  /** Subjects that it subscribes to. */
  hears: readonly string[];
  /** Subjects that its replicas use among themselves. */
  among?: readonly string[];
  /** Its side of the queue of work. */
  work?: 'offers' | 'takes';
}

function all(operations: Record<string, Rpc>, except: readonly Rpc[] = []): Rpc[] {
  return Object.values(operations).filter((rpc) => !except.includes(rpc));
}

/** The services that have a history. */
const OWNERS: readonly EventOwner[] = ['inventory', 'catalog', 'scheduler', 'access'];

/** What the gateway asks each service about itself. */
const ABOUT_ALL: readonly Rpc[] = [
  ...all(overview),
  ...all(search),
  schedulerSystem,
  ...HISTORY_SERVICES.map(historyState),
];

/** Whether the tables of each service say what its events say. */
const VERIFICATIONS: readonly Rpc[] = OWNERS.flatMap((owner) => [
  readVerification(owner),
  beginVerification(owner),
]);

const ANY_CAPABILITY = directOfferSubject('*' as never);
const ANY_EXECUTOR = controlSubject('*');
const ANY_RUN = outputStoredSubject('*' as never);

export const PARTS: Readonly<Record<Participant, Part>> = {
  gateway: {
    calls: [
      ...all(catalog, [catalog.resolveTemplate, catalog.holdTemplates, catalog.releaseTemplates]),
      ...all(inventory, [
        inventory.planNodes,
        inventory.poolTargets,
        inventory.targetsById,
        inventory.findTargets,
        inventory.selectTargets,
        inventory.poolsNaming,
      ]),
      ...all(tasks, [tasks.reserveNodes]),
      ...all(plans),
      recordedPlan,
      ...all(schedules, [schedules.reservePool]),
      ...all(live),
      ...all(nodeRuns),
      ...all(taskPast),
      ...all(taskReads),
      taskGrid,
      taskWhy,
      ...all(access),
      ...all(sessions),
      ...SERVICES.map(health),
      ...ABOUT_ALL,
      ...all(orphans),
      ...VERIFICATIONS,
    ],
    tells: [],
    hears: [...OWNERS.map(eventsSubject), ANY_RUN],
  },
  inventory: {
    calls: [
      tasks.reserveNodes,
      schedules.reservePool,
      catalog.holdTemplates,
      catalog.releaseTemplates,
      readEvents('scheduler'),
    ],
    tells: [eventsSubject('inventory')],
    hears: [eventsSubject('scheduler')],
  },
  catalog: { calls: [inventory.poolsNaming], tells: [eventsSubject('catalog')], hears: [] },
  access: {
    // The audit is made from the events of all services.
    calls: OWNERS.map(readEvents),
    tells: [eventsSubject('access')],
    hears: OWNERS.map(eventsSubject),
  },
  scheduler: {
    calls: [
      catalog.getTemplate,
      catalog.listTemplates,
      catalog.resolveTemplate,
      inventory.findTargets,
      inventory.getPool,
      inventory.getService,
      inventory.listNodes,
      inventory.planNodes,
      inventory.poolTargets,
      inventory.poolsNaming,
      inventory.removeNodes,
      inventory.selectTargets,
      inventory.targetsById,
      machinesOfNodes,
      ...all(vmProviders),
    ],
    tells: [eventsSubject('scheduler'), PARTITIONS_TAKEN_SUBJECT, ANY_CAPABILITY, ANY_EXECUTOR, ANY_RUN],
    hears: [HEARTBEAT_SUBJECT],
    among: [
      TASK_CREATED_SUBJECT,
      SCHEDULE_SAVED_SUBJECT,
      `rigel.${TASK_CONTROL_OPERATION}`,
      `rigel.${TASK_WHY_OF_OWNER_OPERATION}`,
    ],
    work: 'offers',
  },
  executor: {
    calls: all(execution),
    tells: [HEARTBEAT_SUBJECT],
    hears: [ANY_CAPABILITY, ANY_EXECUTOR, PARTITIONS_TAKEN_SUBJECT],
    work: 'takes',
  },
};

/** Every operation between services; the second word of its subject is the service that answers it. */
export const OPERATIONS: readonly Rpc[] = [
  ...all(catalog),
  ...all(inventory),
  ...all(tasks),
  ...all(schedules),
  ...all(plans),
  recordedPlan,
  ...all(live),
  ...all(nodeRuns),
  ...all(taskPast),
  ...all(taskReads),
  taskGrid,
  taskWhy,
  ...all(execution),
  ...SERVICES.map(health),
  ...all(access),
  ...all(sessions),
  ...OWNERS.map(readEvents),
  ...ABOUT_ALL,
  ...all(orphans),
  ...all(vmProviders),
  machinesOfNodes,
  ...VERIFICATIONS,
];

/** The operations that a participant answers. */
export function answeredBy(participant: Participant): Rpc[] {
  return OPERATIONS.filter(({ subject }) => subject.split('.')[1] === participant);
}

/** First words of the subjects on which a participant gets its answers. No other NATS user may subscribe to them. */
export const inboxPrefix = (participant: string): string => `_INBOX.${participant}`;

/**
 * Subject at which a participant offers a body that is too large for a message. Its partners fetch it there, by a
 * random name.
 */
export const bodySubject = (participant: string, name: string): string => `rigel.body.${participant}.${name}`;

/** Subjects that a NATS user may publish to and subscribe to. It may also answer each message that it gets, once. */
export interface Permissions {
  publish: string[];
  subscribe: string[];
}

const WORK_SUBJECTS_OF: Readonly<Record<NonNullable<Part['work']>, readonly string[]>> = {
  // The side that offers also makes the stream and its consumers, so the side that takes needs no right to change them.
  offers: [
    WORK_SUBJECTS,
    `$JS.API.STREAM.INFO.${WORK_STREAM}`,
    `$JS.API.STREAM.CREATE.${WORK_STREAM}`,
    `$JS.API.STREAM.UPDATE.${WORK_STREAM}`,
    `$JS.API.CONSUMER.CREATE.${WORK_STREAM}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${WORK_STREAM}.*`,
  ],
  takes: [
    `$JS.API.CONSUMER.INFO.${WORK_STREAM}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${WORK_STREAM}.*`,
    `$JS.ACK.${WORK_STREAM}.>`,
    // With the domain and the account before the stream, as newer servers have it.
    `$JS.ACK.*.*.${WORK_STREAM}.>`,
  ],
};

const anyPartition = (subject: string): string => subject.replace('{partition}', '*');
const subjectsOf = (operations: readonly Rpc[]): string[] =>
  operations
    .flatMap((operation) => (operation.keyed ? [operation, onceOf(operation)] : [operation]))
    .map(({ subject }) => anyPartition(subject));
const withinReplicas = ({ among = [] }: Part): string[] => among.map(anyPartition);

/** The participants that it calls or that call it, also its own replicas: they fetch large bodies from each other. */
function partnersOf(participant: Participant): Participant[] {
  const callees = (caller: Participant) =>
    new Set(PARTS[caller].calls.map(({ subject }) => subject.split('.')[1]));
  return PARTICIPANTS.filter(
    (other) =>
      callees(participant).has(other) ||
      callees(other).has(participant) ||
      (other === participant && PARTS[participant].among !== undefined),
  );
}

/** What the NATS user of a participant may do. */
export function permissionsOf(participant: Participant): Permissions {
  const part = PARTS[participant];
  return {
    publish: [
      ...subjectsOf(part.calls),
      ...part.tells,
      ...withinReplicas(part),
      ...(part.work ? WORK_SUBJECTS_OF[part.work] : []),
      ...partnersOf(participant).map((other) => bodySubject(other, '*')),
    ].sort(),
    subscribe: [
      ...subjectsOf(answeredBy(participant)),
      ...part.hears,
      ...withinReplicas(part),
      `${inboxPrefix(participant)}.>`,
      bodySubject(participant, '*'),
    ].sort(),
  };
}
