import { type Static, Type } from 'typebox';
import { AnyFields, listOf, Text, Word } from './forms.js';
import { defineRpc } from './rpc.js';

/*
 * How events leave the service that owns them: in batches. Each batch names the position that it follows, so a consumer
 * notices a gap at once and asks the owner for the events after its cursor (a replay).
 */

/** Services that own events. */
export type EventOwner = 'inventory' | 'catalog' | 'scheduler' | 'access';

export const PublishedEvent = Type.Object({
  /** Position in the owner's history: 1, 2, 3 … in commit order, without gaps. */
  position: Type.Integer({ minimum: 1 }),
  stream: Word,
  /** Number within its stream, from 1. */
  version: Type.Integer({ minimum: 1 }),
  type: Word,
  /** Version of the data's shape. */
  schema: Type.Integer({ minimum: 1 }),
  data: AnyFields,
  meta: AnyFields,
  /** Milliseconds since 1970. */
  recorded_at: Type.Integer(),
});
export type PublishedEvent = Static<typeof PublishedEvent>;

/**
 * Identity of an event. It differs from that of every other event, also of one that got the same position after the
 * owner's database was restored to an earlier time. Upcasters change none of its parts.
 */
export function eventIdentity(
  event: Pick<PublishedEvent, 'stream' | 'version' | 'recorded_at' | 'meta'>,
): string {
  const { stream, version, recorded_at, meta } = event;
  return `${stream} ${version} ${new Date(recorded_at).toISOString()} ${meta.correlationId}`;
}

/** A batch of events. Without events and `end` it only announces where the owner's history ends. */
export const EventBatch = Type.Object({
  /** Position before the first event of the batch. */
  after: Type.Integer({ minimum: 0 }),
  /** Identity of the event at that position; absent: there is no event, or it is not known. */
  previous: Type.Optional(Text),
  /** The events, without the owner's private ones. */
  events: listOf(PublishedEvent),
  /**
   * The last event of the batch, which may be a private one; absent: the owner is of an earlier release without private
   * events.
   */
  end: Type.Optional(
    Type.Object({
      position: Type.Integer({ minimum: 1 }),
      identity: Text,
      /** The latest recording time in the batch, in milliseconds since 1970. */
      recorded_until: Type.Integer(),
    }),
  ),
  /** Streams of the private events that the batch leaves out. */
  streams: Type.Optional(listOf(Word)),
});
export type EventBatch = Static<typeof EventBatch>;

/** The scheduler's stream of a task's events. */
export const taskStream = (taskId: number): string => `task-${taskId}`;

export const eventsSubject = (owner: EventOwner): string => `rigel.events.${owner}`;

/** Reads an owner's history after a position; `head` is the last position now. */
export function readEvents(owner: EventOwner) {
  return defineRpc(`${owner}.events.read`, {
    request: Type.Object({
      after: Type.Integer({ minimum: 0 }),
      limit: Type.Integer({ minimum: 1, maximum: 5_000 }),
    }),
    response: Type.Object({ events: Type.Array(PublishedEvent), head: Type.Integer({ minimum: 0 }) }),
  });
}

/*
 * The scheduler's events that other services follow. The shapes are part of the contract: they may get optional fields.
 * Any other change needs a new version, with an upcaster from the last one.
 */

/** A batch of a task begins. */
export interface BatchStarted {
  /** Counted from 0. */
  batch: number;
  /** Indexes of the node runs that become ready, and ids of their nodes. */
  runs: number[];
  nodes: number[];
}

/** A node run succeeded or failed. */
export interface RunSucceeded {
  run: number;
  node: number;
  /** Image tag that the task put on the node. Absent: it put none, or a scheduler of an earlier release recorded this. */
  tag?: string;
}
export interface RunFailed {
  run: number;
  node: number;
  step: number;
  reason: string;
  /** Its last command may still run. The node is not free before that has been ended. */
  draining?: boolean;
}

/** A pause, a stop or the failure budget left these node runs unfinished. */
export interface RunsHalted {
  runs: number[];
  nodes: number[];
}

/** An operator stopped the task; `nodes` are those with unfinished runs. */
export interface TaskStopped {
  operator: string;
  nodes: number[];
  /** Why, in the operator's words; absent: they gave none. */
  reason?: string;
}

/** The task reached its time limit; the runs of `nodes` failed because of it. */
export interface TaskTimedOut {
  deadline: number;
  nodes: number[];
}

/** A VM provider made a machine for the node, or reported its address; `ip` is empty while it has none. */
export interface MachineAssigned {
  run: number;
  node: number;
  vm: string;
  ip: string;
}

/** The node's machine was returned to its VM provider, and the node no longer exists. */
export interface MachineReturned {
  run: number;
  node: number;
  vm: string;
}

/** The scheduler's events that other services follow. */
export type PublishedTaskEvent =
  | { type: 'BatchStarted'; data: BatchStarted }
  | { type: 'RunSucceeded'; data: RunSucceeded }
  | { type: 'RunFailed'; data: RunFailed }
  | { type: 'RunsHalted'; data: RunsHalted }
  | { type: 'TaskStopped'; data: TaskStopped }
  | { type: 'TaskTimedOut'; data: TaskTimedOut }
  | { type: 'MachineAssigned'; data: MachineAssigned }
  | { type: 'MachineReturned'; data: MachineReturned };

/**
 * Upcasters of these types, from version 1 to 2, 2 to 3 and so on: for the scheduler, which stores these events, and
 * for the services that follow them.
 */
export const publishedTaskEvents: {
  readonly [Type in PublishedTaskEvent['type']]: readonly ((data: never) => unknown)[];
} = {
  BatchStarted: [],
  RunSucceeded: [],
  RunFailed: [],
  RunsHalted: [],
  TaskStopped: [],
  TaskTimedOut: [],
  MachineAssigned: [],
  MachineReturned: [],
};

/**
 * Private events of each service: no other service follows them, so relays do not publish them. Four of five events of
 * the scheduler are private; publishing them was an eighth of the cost of a step. All other types are published.
 */
export const PRIVATE_EVENTS: Readonly<Record<EventOwner, readonly string[]>> = {
  inventory: ['NodeMachineAssigned', 'NodesReported'],
  catalog: [],
  scheduler: [
    'AttemptFailed',
    'AttemptPlaced',
    'AttemptStopped',
    'AttemptSucceeded',
    'BatchFinished',
    'FailureBudgetExceeded',
    'GateOpened',
    'HostKeyPinned',
    'LeaseExpired',
    'OccurrenceFiring',
    'OccurrenceOpened',
    'OccurrenceResolved',
    'OccurrenceSkipped',
    'RunClaimed',
    'RunDeferred',
    'RunDrained',
    'RunHandedBack',
    'RunWaiting',
    'TaskFinished',
  ],
  access: [],
};
