import { type Static, Type } from 'typebox';
import { ResolvedStep } from './catalog.js';
import { ExecutorKey, ExecutorName } from './executor-name.js';
import { AnyText, Word } from './forms.js';
import { ClusterRef } from './inventory.js';
import { Done, Id } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * The protocol between the scheduler and its executors.
 *
 *   work message ─> claim ─> (run the instruction ─> report)* ─> release
 *
 * The answer to a claim and to each report is the next instruction, so one round trip makes an outcome durable and
 * authorises what comes next. Every claim gets a new lease number; a report with an older one is refused, so two
 * executors that both believe they own a run cannot both write its history. Whoever speaks under a lease shows the key of the executor
 * that claimed it (see executor-name.ts), and what it is answered only that executor can read.
 */

/** Tasks are spread over this many partitions; a scheduler replica owns some of them at a time. */
export const PARTITIONS = 16;

export function partitionOf(taskId: number): number {
  return taskId % PARTITIONS;
}

/** What an executor must be able to do for a step. `noop` does nothing: it measures the engine. */
export const Capability = Type.Union([
  Type.Literal('ssh'),
  Type.Literal('vm'),
  Type.Literal('sd'),
  Type.Literal('noop'),
]);
export type Capability = Static<typeof Capability>;

/** JetStream stream of offered work; each message is consumed once, by one executor. */
export const WORK_STREAM = 'RIGEL_WORK';
export const WORK_SUBJECTS = 'rigel.work.*';
export const workSubject = (capability: Capability): string => `rigel.work.${capability}`;

/** Where offers are also made without JetStream, to whichever executor of the group is free at that moment. */
export const directOfferSubject = (capability: Capability): string => `rigel.offer.${capability}`;

/** An offer of one node run. A lost offer is made again; a repeated one is refused at the claim. */
export const WorkOffer = Type.Object({ task_id: Id, run_id: Id });
export type WorkOffer = Static<typeof WorkOffer>;

/** Where an attempt is on its node when the home folder there could not take it. */
export const Placement = Type.Object({
  /** The folder of its files. */
  folder: Type.String({ minLength: 1, maxLength: 1_000 }),
  /** Boot id of the node then. */
  boot_id: Type.String({ minLength: 1, maxLength: 64 }),
  /** Whether the folder is in the node's memory, which a restart empties. */
  memory: Type.Boolean(),
});
export type Placement = Static<typeof Placement>;

/** Folders in which attempts of the run were recorded to be; absent: in none beside the home folder. */
const folders = Type.Optional(Type.Array(Type.String()));

/** What to do next with a claimed run. */
export const Instruction = Type.Union([
  Type.Object({
    do: Type.Literal('run'),
    /** Index into the plan's steps. */
    step: Type.Integer({ minimum: 0 }),
    /** Number of the attempt at this step, from 1; never used twice, not even after a resume. */
    attempt: Type.Integer({ minimum: 1 }),
    /** Wait this long first (pause between attempts). */
    delay_ms: Type.Integer({ minimum: 0 }),
    /** What is left of the attempt's time limit, after the delay. */
    timeout_ms: Type.Integer({ minimum: 0 }),
    /** The attempt may have been begun already, by an executor that is gone: find it again, do not conclude anything from not reaching the node. */
    begun: Type.Boolean(),
    /** Up to which byte output of this attempt is stored already. */
    output_from: Type.Integer({ minimum: 0 }),
    /** The attempt is recorded to be there: look for it and never begin it. Only for executors that know places. */
    placed: Type.Optional(Placement),
    folders,
    /** Whether an earlier attempt of the step may still run. Absent for the first one, and from older schedulers. */
    unsettled: Type.Optional(Type.Boolean()),
  }),
  /** End the attempt's command on the node, then report it as stopped. */
  Type.Object({
    do: Type.Literal('stop'),
    step: Type.Integer({ minimum: 0 }),
    attempt: Type.Integer({ minimum: 1 }),
    folders,
    /** It was tried before, in vain: look once and report; whoever cannot be reached is looked at again later. */
    again: Type.Optional(Type.Boolean()),
  }),
  /** Nothing more for this executor: close the connection. */
  Type.Object({ do: Type.Literal('release'), why: Type.String() }),
]);
export type Instruction = Static<typeof Instruction>;

/** What a task's runs have in common; immutable, so executors keep it. */
export const TaskPlan = Type.Object({
  task_id: Id,
  /** Random identity of the task: attempts on nodes are named by it, so that no two databases can mix them up. */
  uuid: Type.String(),
  correlation_id: Type.String(),
  /** W3C traceparent of the request that made the task, when that was traced. */
  traceparent: Type.Optional(Type.String()),
  /** For the environment of its commands; older schedulers do not tell. */
  task_name: Type.Optional(Type.String()),
  operator: Type.Optional(Type.String()),
  pool: Type.Optional(Type.String()),
  /** Where its nodes are, and so how they are reached; absent in tasks of earlier releases. */
  cluster: Type.Optional(ClusterRef),
  /** VM provider of its pool; absent: none, or not known. */
  vm_type: Type.Optional(Type.Integer({ minimum: 1 })),
  steps: Type.Array(
    Type.Intersect([
      ResolvedStep,
      Type.Object({
        capability: Capability,
        /** Deadline of one attempt. */
        timeout_ms: Type.Integer({ minimum: 1 }),
        /** Milliseconds between TERM and KILL when the command is ended; absent: the executor's setting. */
        grace_ms: Type.Optional(Type.Integer({ minimum: 0 })),
        /** The rules for places of parameters by which its commands were accepted; absent: those of the release before any number. */
        template_rules: Type.Optional(Type.Integer({ minimum: 1 })),
      }),
    ]),
  ),
});
export type TaskPlan = Static<typeof TaskPlan>;

/** Name of an attempt on its node, the same for every executor and for ever. */
export function attemptKey(plan: TaskPlan, runId: number, step: number, attempt: number): string {
  return `${plan.uuid}-r${runId}-s${step}-a${attempt}`;
}

/** There are four kinds of work; a later release may know more. */
const capabilities = Type.Array(Capability, { maxItems: 100 });

/** Leases of one executor, ten times what its slots may be. */
const MAX_LEASES = 100_000;

/** The executor's key; executors of the release before have none. */
const key = Type.Optional(ExecutorKey);

const lease = { task_id: Id, run_id: Id, lease: Type.Integer({ minimum: 1 }) };
const leased = { ...lease, key };

/**
 * The task's identity. Its id is given again when the database was restored from a backup. Required from executors with a key; older ones
 * do not all tell it.
 */
const uuid = Type.Optional(Word);

/** A piece of an attempt's output; `data` is base64, offsets count raw bytes. Storing a piece twice changes nothing. */
const OutputPiece = Type.Object({
  offset: Type.Integer({ minimum: 0 }),
  data: Type.String(),
  /**
   * The output is longer than this together: of what is stored up to the end of this piece, only so many bytes of the
   * beginning and of the end are kept. Older executors do not tell.
   */
  kept: Type.Optional(
    Type.Object({ head: Type.Integer({ minimum: 0 }), tail: Type.Integer({ minimum: 0 }) }),
  ),
});
export type OutputPiece = Static<typeof OutputPiece>;

/** What providers call machines, and their addresses: one word that can be seen, or none. */
const MACHINE_WORD = '^[\\x21-\\x7e]*$';
/** A host key as it is pinned: `type base64`. */
const HOST_KEY = '^[a-z0-9@.-]{1,64} [A-Za-z0-9+/]+={0,3}$';

export const AttemptResult = Type.Object({
  status: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('stopped')]),
  /** Why it failed, for people; empty when it did not. The scheduler makes it plain, see `plainLine`. */
  reason: AnyText,
  exit_code: Type.Optional(Type.Integer()),
  /**
   * It failed before its command began: the node was not reached, or nothing could be started there. Such a failure is never
   * ignored. Older executors do not tell.
   */
  not_begun: Type.Optional(Type.Boolean()),
  /**
   * Another attempt would do harm: the node was told to restart and has not been seen since, or the command withstands being ended.
   * For a person to decide.
   */
  no_retry: Type.Optional(Type.Boolean()),
  /** What is to be known of it though it succeeded. Older executors do not tell. */
  note: Type.Optional(AnyText),
  /**
   * Its command, or an earlier attempt's, may still be running on the node: it could not be ended. With every status but
   * `succeeded`.
   */
  may_run: Type.Optional(Type.Boolean()),
  /** The machine that a create_vm made or found again, also when it failed afterwards; `ip` is empty while it has none. */
  machine: Type.Optional(
    Type.Object({
      vm_id: Type.String({ maxLength: 255, pattern: MACHINE_WORD }),
      ip: Type.String({ maxLength: 255, pattern: MACHINE_WORD }),
    }),
  ),
  /** The provider may have made a machine that nobody knows the id of. */
  unknown_machine: Type.Optional(Type.Boolean()),
  started_at: Type.Integer(),
  finished_at: Type.Integer(),
});
export type AttemptResult = Static<typeof AttemptResult>;

const refused = Type.Object({ status: Type.Literal('refused'), reason: Type.String() });

/** The task's plan, where the claim has asked for it. Older schedulers do not give it. */
const plan = Type.Optional(TaskPlan);

export const execution = {
  claim: defineRpc('scheduler.{partition}.claim', {
    request: Type.Object({
      task_id: Id,
      run_id: Id,
      executor: ExecutorName,
      key,
      capabilities,
      /** The executor does not have the task's plan, and wants it with the answer. */
      plan: Type.Optional(Type.Boolean()),
      /** The executor heeds `placed` and `folders` of instructions. Older ones would begin such an attempt again. */
      knows_places: Type.Optional(Type.Boolean()),
    }),
    response: Type.Union([
      Type.Object({
        status: Type.Literal('granted'),
        lease: Type.Integer({ minimum: 1 }),
        /** The task's identity, which the plan must have as well. Older schedulers do not tell it. */
        uuid,
        node: Type.Object({
          node_id: Id,
          ip: Type.String(),
          /** Id of its machine at the VM provider, empty when it has none. */
          vm_id: Type.String(),
          /** The node's SSH host key (`type base64`), once one was seen. */
          host_key: Type.Union([Type.String(), Type.Null()]),
        }),
        next: Instruction,
        plan,
      }),
      Type.Object({ ...refused.properties, plan }),
    ]),
    timeoutMs: 5_000,
    together: true,
    sealed: true,
  }),
  /** The plan by itself, for an executor that did not get it with a claim. */
  plan: defineRpc('scheduler.{partition}.plan', {
    request: Type.Object({ task_id: Id }),
    response: TaskPlan,
    timeoutMs: 5_000,
    sealed: true,
  }),
  /** Repeating a report whose answer was lost gets the same answer and records nothing twice. */
  report: defineRpc('scheduler.{partition}.report', {
    request: Type.Object({
      ...leased,
      uuid,
      step: Type.Integer({ minimum: 0 }),
      attempt: Type.Integer({ minimum: 1 }),
      result: AttemptResult,
      /** The last of the attempt's output, what came after the pieces already sent. */
      output: Type.Optional(OutputPiece),
      /** The node's host key when the executor accepted it at first sight. */
      host_key: Type.Optional(Type.String({ maxLength: 16_384, pattern: HOST_KEY })),
      capabilities,
    }),
    response: Type.Union([Type.Object({ status: Type.Literal('accepted'), next: Instruction }), refused]),
    timeoutMs: 5_000,
    together: true,
    sealed: true,
  }),
  /**
   * Before an attempt begins outside of its node's home folder, which cannot take it. Once it is accepted, every later claim
   * is told of it. Accepted only from the one executor that was ever told to begin the attempt; may be repeated.
   */
  place: defineRpc('scheduler.{partition}.place', {
    request: Type.Object({
      ...leased,
      uuid,
      step: Type.Integer({ minimum: 0 }),
      attempt: Type.Integer({ minimum: 1 }),
      placement: Placement,
      /** What the home folder could not take, and why. */
      why: Type.String({ maxLength: 2_000 }),
    }),
    response: Type.Union([Type.Object({ status: Type.Literal('accepted') }), refused]),
    timeoutMs: 5_000,
    sealed: true,
  }),
  output: defineRpc('scheduler.{partition}.output', {
    request: Type.Object({
      ...leased,
      uuid,
      step: Type.Integer({ minimum: 0 }),
      attempt: Type.Integer({ minimum: 1 }),
      output: OutputPiece,
    }),
    response: Done,
    timeoutMs: 5_000,
    sealed: true,
  }),
  /** An executor that is being shut down gives a run back; it is offered again at once. */
  handBack: defineRpc('scheduler.{partition}.hand_back', {
    request: Type.Object({ ...leased, uuid }),
    response: Done,
    timeoutMs: 2_000,
    together: true,
    sealed: true,
  }),
};

/**
 * Published by a scheduler that has taken over partitions and serves them: whoever waits for an answer of their last owner
 * asks again.
 */
export const PARTITIONS_TAKEN_SUBJECT = 'rigel.scheduler.taken';
export const PartitionsTaken = Type.Object({ partitions: Type.Array(Type.Integer(), { maxItems: 1_000 }) });
export type PartitionsTaken = Static<typeof PartitionsTaken>;

/** Published by every executor, all its leases in one message: [task id, run id, lease]. */
export const HEARTBEAT_SUBJECT = 'rigel.scheduler.heartbeat';
export const Heartbeat = Type.Object({
  executor: ExecutorName,
  key,
  leases: Type.Array(Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()]), { maxItems: MAX_LEASES }),
  /**
   * Identities of the tasks of the leases: [task id, uuid]. An id means another task once the database was restored. A lease of a task that
   * is not named here does not go on, where the executor has a key.
   */
  tasks: Type.Optional(Type.Array(Type.Tuple([Type.Integer(), Word]), { maxItems: MAX_LEASES })),
  /** What the executor does, and how many more runs it could take now. Older executors do not tell. */
  capabilities: Type.Optional(capabilities),
  free_slots: Type.Optional(Type.Integer()),
  /** Runs that stand still at something, and what that is: [run id, what, since when]. Not all when they are many. */
  waiting: Type.Optional(
    Type.Array(Type.Tuple([Type.Integer(), AnyText, Type.Integer()]), { maxItems: MAX_LEASES }),
  ),
});
export type Heartbeat = Static<typeof Heartbeat>;

export const HEARTBEAT_INTERVAL_MS = 2_000;
/** A lease that no heartbeat has named for this long is over, and the run is offered to others. */
export const LEASE_TTL_MS = 10_000;

/** Told to one executor: these leases are over. `stop`: end the running command; `lost`: leave it alone, others have it. */
export const controlSubject = (executor: string): string => `rigel.executor.${executor}.control`;
export const ExecutorControl = Type.Object({
  leases: Type.Array(
    Type.Object({ ...lease, why: Type.Union([Type.Literal('stop'), Type.Literal('lost')]) }),
    { maxItems: MAX_LEASES },
  ),
});
export type ExecutorControl = Static<typeof ExecutorControl>;
