import { type Static, Type } from 'typebox';
import { AnyFields, listOf, Text, Word } from './forms.js';
import { defineRpc } from './rpc.js';

/*
 * How events leave the service that owns them. Events are batched; every batch says which position it follows, so a
 * consumer sees a gap at once and asks the owner to replay from where it stands.
 */

/** Services that own events. */
export type EventOwner = 'inventory' | 'catalog' | 'scheduler' | 'access';

export const PublishedEvent = Type.Object({
  /** Place in the owner's history: 1, 2, 3 … in commit order, without gaps. */
  position: Type.Integer({ minimum: 1 }),
  stream: Word,
  /** Place in its stream, from 1. */
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
 * Tells an event from every other one, also from another that was given its position after the owner's database had been
 * restored to an earlier moment. Nothing of it is changed by an upcaster.
 */
export function eventIdentity(
  event: Pick<PublishedEvent, 'stream' | 'version' | 'recorded_at' | 'meta'>,
): string {
  const { stream, version, recorded_at, meta } = event;
  return `${stream} ${version} ${new Date(recorded_at).toISOString()} ${meta.correlationId}`;
}

/** A batch, or (with no events and no end) word of where the owner's history ends. */
export const EventBatch = Type.Object({
  /** Position before the first event of the batch. */
  after: Type.Integer({ minimum: 0 }),
  /** Identity of the event at that position. Absent: there is none, or it is not known. */
  previous: Type.Optional(Text),
  /** The events; private ones of the owner are left out. */
  events: listOf(PublishedEvent),
  /** The last event of the batch, which may be left out. Older owners leave nothing out, and do not tell. */
  end: Type.Optional(
    Type.Object({
      position: Type.Integer({ minimum: 1 }),
      identity: Text,
      /** When the latest of the batch was recorded, in milliseconds since 1970. */
      recorded_until: Type.Integer(),
    }),
  ),
  /** Streams of the events that are left out. */
  streams: Type.Optional(listOf(Word)),
});
export type EventBatch = Static<typeof EventBatch>;

/** The scheduler's stream of a task's events. */
export const taskStream = (taskId: number): string => `task-${taskId}`;

export const eventsSubject = (owner: EventOwner): string => `rigel.events.${owner}`;

/** Reads an owner's history after a position; `head` is where it ends now. */
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
 * The scheduler's events that other services follow. The shapes are part of the contract: they may gain optional fields,
 * and change otherwise only under a new version, with an upcaster from the last.
 */

/** A batch of a task begins: its nodes are being worked on. */
export interface BatchStarted {
  /** Counted from 0. */
  batch: number;
  /** Indexes of the node runs that are opened, and their nodes. */
  runs: number[];
  nodes: number[];
}

/** A node run ended well or badly. */
export interface RunSucceeded {
  run: number;
  node: number;
}
export interface RunFailed {
  run: number;
  node: number;
  step: number;
  reason: string;
  /** Its last command may still be running: the node is not free before it has been ended. */
  draining?: boolean;
}

/** Node runs that a pause, a stop or the failure budget left unfinished. */
export interface RunsHalted {
  runs: number[];
  nodes: number[];
}

/** The task was stopped; `nodes` are those whose runs it left unfinished. */
export interface TaskStopped {
  operator: string;
  nodes: number[];
}

/** The task's time was up; the runs of `nodes` have failed by it. */
export interface TaskTimedOut {
  deadline: number;
  nodes: number[];
}

/** A VM provider made a machine for the node, or said its address; `ip` is empty while it has none. */
export interface MachineAssigned {
  run: number;
  node: number;
  vm: string;
  ip: string;
}

/** The node's machine was given back to its VM provider: there is no such node any more. */
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
 * Upcasters of these types, from version 1 to 2, 2 to 3 and so on: for the scheduler, which stores them, and for whoever
 * follows them.
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
 * Private events of each service: no other follows them, so they are left out of what is published. Of the scheduler's events
 * they are four of five, and carrying them to everybody was an eighth of what a step costs. A type that is not here is published.
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
