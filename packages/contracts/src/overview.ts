import { type Static, Type } from 'typebox';
import { Capability } from './execution.js';
import { Text, Word } from './forms.js';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { OccurrenceOutcome, ScheduleType } from './schedules.js';
import { EndReason, RunState } from './tasks.js';

/*
 * How all of it stands: each service answers for what it owns, from counters and indexes, so that 100,000 nodes and tasks
 * cost no more than ten. Times are milliseconds since 1970 (UTC).
 */

const Count = Type.Integer({ minimum: 0 });

/** How long a part of an overview may take: what is not there by then is named as missing. */
export const OVERVIEW_TIMEOUT_MS = 2_000;
/** Clusters that an overview names; the others are in the sums. */
export const OVERVIEW_CLUSTERS = 20;

/** Nodes by their status in the pool. */
const nodesByStatus = { nodes: Count, ok: Count, failed: Count, not_ready: Count };

export const FleetOverview = Type.Object({
  clusters: Count,
  services: Count,
  pools: Count,
  ...nodesByStatus,
  /** The clusters with the most nodes first. */
  by_cluster: Type.Array(Type.Object({ id: Id, name: Type.String(), ...nodesByStatus })),
});
export type FleetOverview = Static<typeof FleetOverview>;

export const CatalogOverview = Type.Object({
  actions: Count,
  implementations: Count,
  steps: Count,
  templates: Count,
});
export type CatalogOverview = Static<typeof CatalogOverview>;

/** The object that needs somebody. */
export const AttentionKind = Type.Enum(['task', 'schedule', 'machines', 'host_key', 'executor']);

/** Something that waits for a person. */
export const Attention = Type.Object({
  kind: AttentionKind,
  /** Id of the task or scheduled task; null: it is no object with an id. */
  id: Type.Union([Id, Type.Null()]),
  /** Name of the task, pool or executor. */
  name: Type.String(),
  /** Kind of the reason, for programs. Those of tasks are in docs/why.md. */
  code: Type.String(),
  /** The reason in words. */
  text: Type.String(),
  /** The end of the chain of reasons in words; empty: there is no further one. */
  cause: Type.String(),
  /** The same for programs and other languages; absent: there is none, or a scheduler of an earlier release answers. */
  cause_reason: Type.Optional(
    Type.Object({
      /** Kind of the reason, see docs/why.md. */
      code: Type.String(),
      /** The reason in words, without what the command printed. */
      text: Type.String(),
      data: Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer(), Type.Null()])),
      /** The last line that the command printed; empty: none is known. */
      printed: Type.String(),
    }),
  ),
  /** Since when; null: not known. */
  since: Type.Union([Type.Integer(), Type.Null()]),
  /** How many nodes are concerned. */
  nodes: Count,
  /** What would resolve it; null: there is no one thing. */
  action: Type.Union([Type.Literal('start'), Type.Null()]),
  data: Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer(), Type.Null()])),
});
export type Attention = Static<typeof Attention>;
/** The most that an overview names. */
export const MAX_ATTENTION = 50;

export const TaskOverview = Type.Object({
  /** Unfinished tasks by state: [init, running, success, failed, stopped]. A paused one counts as stopped. */
  unfinished: Type.Array(Count, { minItems: 5, maxItems: 5 }),
  /** Node runs of the unfinished tasks by state. */
  runs: Type.Array(Count, { minItems: 5, maxItems: 5 }),
  /** Whether there has ever been a task. */
  any: Type.Boolean(),
  /** Tasks at work, those with the most nodes at work first. */
  now: Type.Array(
    Type.Object({
      id: Id,
      name: Type.String(),
      pool_id: Id,
      pool_name: Type.String(),
      state: RunState,
      /** Node runs by state. */
      stat: Type.Array(Count),
      created: Type.Integer(),
    }),
  ),
  /** Tasks that were made in the last 24 hours. */
  day: Type.Object({
    tasks: Count,
    /** By state, as in `unfinished`. */
    states: Type.Array(Count, { minItems: 5, maxItems: 5 }),
    /** Those that have ended, by how. */
    ended: Type.Array(Type.Object({ reason: EndReason, tasks: Count })),
  }),
  /** Events that the scheduler recorded in each of the last 15 minutes, oldest first. */
  events_by_minute: Type.Array(Count),
  executors: Type.Object({ present: Count, gone: Count, slots: Count, taken: Count }),
  /** Due times to come within 24 hours, soonest first. */
  next: Type.Array(
    Type.Object({
      schedule_id: Id,
      pool_id: Id,
      type: ScheduleType,
      due: Type.Integer(),
      time_zone: Type.String(),
      /** For `expand`: to how many nodes. */
      instance_num: Count,
    }),
  ),
  /** What became of the moments of the last 24 hours at which schedules were to act. */
  ledger: Type.Array(Type.Object({ outcome: OccurrenceOutcome, moments: Count })),
  attention: Type.Array(Attention, { maxItems: MAX_ATTENTION }),
});
export type TaskOverview = Static<typeof TaskOverview>;

const overviewOf = <Response extends typeof FleetOverview | typeof CatalogOverview | typeof TaskOverview>(
  service: string,
  response: Response,
) => defineRpc(`${service}.overview`, { request: Type.Object({}), response, timeoutMs: OVERVIEW_TIMEOUT_MS });

export const overview = {
  fleet: overviewOf('inventory', FleetOverview),
  catalog: overviewOf('catalog', CatalogOverview),
  tasks: overviewOf('scheduler', TaskOverview),
};

/** An object that a search found. */
export const Found = Type.Object({
  id: Id,
  name: Type.String(),
  /** What tells it from others of its name: the pool of a node, the state of a task. */
  detail: Type.String(),
  /** The text is its id, its whole name or its whole address. */
  exact: Type.Boolean(),
});
export type Found = Static<typeof Found>;

/** Kinds of objects that can be searched for, by the service that knows them. */
export const SEARCH_KINDS = {
  inventory: ['node', 'pool', 'service', 'cluster'],
  scheduler: ['task'],
  catalog: ['template', 'action', 'step'],
} as const;
export type SearchKind = (typeof SEARCH_KINDS)[keyof typeof SEARCH_KINDS][number];
export const ALL_SEARCH_KINDS: readonly SearchKind[] = Object.values(SEARCH_KINDS).flat();
/** Most objects of each kind. */
export const FOUND_OF_A_KIND = 8;

function searchIn(service: keyof typeof SEARCH_KINDS) {
  return defineRpc(`${service}.search`, {
    request: Type.Object({
      q: Text,
      /** Of `SEARCH_KINDS`. */
      kinds: Type.Array(Word, { maxItems: 20 }),
    }),
    response: Type.Object({ found: Type.Array(Type.Object({ kind: Type.String(), ...Found.properties })) }),
    timeoutMs: OVERVIEW_TIMEOUT_MS,
  });
}

export const search = {
  inventory: searchIn('inventory'),
  scheduler: searchIn('scheduler'),
  catalog: searchIn('catalog'),
};

/** An executor as its heartbeats describe it. */
export const ExecutorRow = Type.Object({
  name: Type.String(),
  present: Type.Boolean(),
  capabilities: Type.Array(Capability),
  slots: Count,
  taken: Count,
  /** When it was heard of last. */
  heard: Type.Integer(),
  /** Its runs that wait for something, as it says; the longest first. */
  waiting: Type.Array(Type.Object({ run_id: Id, what: Type.String(), since: Type.Integer() }), {
    maxItems: 20,
  }),
});
export type ExecutorRow = Static<typeof ExecutorRow>;

/** A scheduler that takes part, by its session in the database. */
export const SchedulerRow = Type.Object({
  session: Type.Integer(),
  /** When the session began. */
  since: Type.Integer(),
  partitions: Type.Array(Type.Integer({ minimum: 0 })),
});

/** The executors, the schedulers and the queue of work between them. */
export const schedulerSystem = defineRpc('scheduler.system', {
  request: Type.Object({}),
  response: Type.Object({
    executors: Type.Array(ExecutorRow),
    schedulers: Type.Array(SchedulerRow),
    /** Offers that no executor has taken yet, by capability; null: the queue does not answer. */
    offers: Type.Union([Type.Array(Type.Object({ capability: Type.String(), offers: Count })), Type.Null()]),
  }),
  timeoutMs: OVERVIEW_TIMEOUT_MS,
});

/** Services that own a history, or follow others'. */
export const HISTORY_SERVICES = ['inventory', 'catalog', 'scheduler', 'access'] as const;

/** Where the history of a service ends, and how far it has followed the histories of others. */
export function historyState(service: (typeof HISTORY_SERVICES)[number]) {
  return defineRpc(`${service}.history`, {
    request: Type.Object({}),
    response: Type.Object({
      head: Count,
      followers: Type.Array(
        Type.Object({
          name: Type.String(),
          owner: Type.String(),
          position: Count,
          /** Events that the owner has announced, and that are not handled yet. */
          behind: Count,
        }),
      ),
    }),
    timeoutMs: OVERVIEW_TIMEOUT_MS,
  });
}
