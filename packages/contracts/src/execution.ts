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
 * work message ─> claim ─> (run the instruction ─> report)* ─> release
 *
 * The answer to a claim and to each report is the next instruction, so one round trip makes an outcome durable and
 * authorises the next attempt. Every claim gets a new lease number, and the scheduler refuses a report with an older
 * one. So two executors that both believe they own a run cannot both write its history. A message under a lease shows
 * the key of the executor that claimed it (see executor-name.ts), and only that executor can read the answer.
 */

/** Tasks are spread over this many partitions; a scheduler replica owns some of them at a time. */
export const PARTITIONS = 16;

export function partitionOf(taskId: number): number {
  return taskId % PARTITIONS;
}

/** The ability that a step needs of an executor. `noop` does nothing: benchmarks of the engine use it. */
export const Capability = Type.Union([
  Type.Literal('ssh'),
  Type.Literal('vm'),
  Type.Literal('sd'),
  Type.Literal('noop'),
]);
export type Capability = Static<typeof Capability>;

/** JetStream stream of offered node runs. One executor consumes each message, once. */
export const WORK_STREAM = 'RIGEL_WORK';
export const WORK_SUBJECTS = 'rigel.work.*';
export const workSubject = (capability: Capability): string => `rigel.work.${capability}`;

/** Subject of offers without JetStream, for one executor of the group that listens. */
export const directOfferSubject = (capability: Capability): string => `rigel.offer.${capability}`;

/** An offer of one node run. The scheduler repeats a lost offer, and refuses the second claim of a repeated one. */
export const WorkOffer = Type.Object({ task_id: Id, run_id: Id });
export type WorkOffer = Static<typeof WorkOffer>;

/** The place of an attempt's files on its node if the home folder there could not take them. */
export const Placement = Type.Object({
  /** The folder of its files. */
  folder: Type.String({ minLength: 1, maxLength: 1_000 }),
  /** Boot id of the node when the files were placed. */
  boot_id: Type.String({ minLength: 1, maxLength: 64 }),
  /** Whether the folder is in the node's memory, which a restart empties. */
  memory: Type.Boolean(),
});
export type Placement = Static<typeof Placement>;

/** Recorded folders of the run's attempts, besides the home folder; absent: none. */
const folders = Type.Optional(Type.Array(Type.String()));

/** The next thing to do with a claimed run. */
export const Instruction = Type.Union([
  Type.Object({
    do: Type.Literal('run'),
    /** Index into the plan's steps. */
    step: Type.Integer({ minimum: 0 }),
    /** Number of the attempt at this step, from 1. No number is used twice, not even after a resume. */
    attempt: Type.Integer({ minimum: 1 }),
    /** Pause before the attempt, in milliseconds. */
    delay_ms: Type.Integer({ minimum: 0 }),
    /** Rest of the attempt's time limit after the delay, in milliseconds. */
    timeout_ms: Type.Integer({ minimum: 0 }),
    /**
     * An executor that is gone may have begun the attempt: find it again. That the node cannot be reached proves
     * nothing then.
     */
    begun: Type.Boolean(),
    /** Bytes of this attempt's output that are stored already. */
    output_from: Type.Integer({ minimum: 0 }),
    /**
     * The recorded place of the attempt: look for it there and never begin it. Only for executors with `knows_places`.
     */
    placed: Type.Optional(Placement),
    folders,
    /**
     * Whether an earlier attempt at the step may still run. Absent for the first attempt, and from schedulers of
     * earlier releases.
     */
    unsettled: Type.Optional(Type.Boolean()),
  }),
  /** End the attempt's command on the node, then report it as stopped. */
  Type.Object({
    do: Type.Literal('stop'),
    step: Type.Integer({ minimum: 0 }),
    attempt: Type.Integer({ minimum: 1 }),
    folders,
    /**
     * An earlier try failed: look once and report. The scheduler repeats the instruction later if the node cannot be
     * reached.
     */
    again: Type.Optional(Type.Boolean()),
  }),
  /** Nothing more for this executor: close the connection. */
  Type.Object({ do: Type.Literal('release'), why: Type.String() }),
]);
export type Instruction = Static<typeof Instruction>;

/** The part that all runs of a task share. It never changes, so executors keep it. */
export const TaskPlan = Type.Object({
  task_id: Id,
  /**
   * Random identity of the task. It is part of the names of attempts on nodes, so that two databases cannot mix them
   * up.
   */
  uuid: Type.String(),
  correlation_id: Type.String(),
  /** W3C traceparent of the request that created the task; absent: it was not traced. */
  traceparent: Type.Optional(Type.String()),
  /** For the environment of its commands; absent: a scheduler of an earlier release answers. */
  task_name: Type.Optional(Type.String()),
  operator: Type.Optional(Type.String()),
  pool: Type.Optional(Type.String()),
  /** The cluster of its nodes, which decides how they are reached; absent in tasks of earlier releases. */
  cluster: Type.Optional(ClusterRef),
  /** VM provider of its pool; absent: none, or not known. */
  vm_type: Type.Optional(Type.Integer({ minimum: 1 })),
  steps: Type.Array(
    Type.Intersect([
      ResolvedStep,
      Type.Object({
        capability: Capability,
        /** Time limit of one attempt, in milliseconds. */
        timeout_ms: Type.Integer({ minimum: 1 }),
        /** Milliseconds between TERM and KILL when the command is ended; absent: the executor's setting. */
        grace_ms: Type.Optional(Type.Integer({ minimum: 0 })),
        /**
         * Version of the rules for parameters by which its commands were accepted; absent: the first, which had no
         * number.
         */
        template_rules: Type.Optional(Type.Integer({ minimum: 1 })),
      }),
    ]),
  ),
});
export type TaskPlan = Static<typeof TaskPlan>;

/** Name of an attempt on its node: the same for every executor, and in every release. */
export function attemptKey(plan: TaskPlan, runId: number, step: number, attempt: number): string {
  return `${plan.uuid}-r${runId}-s${step}-a${attempt}`;
}

/** There are four capabilities; a later release may know more. */
const capabilities = Type.Array(Capability, { maxItems: 100 });

/** Limit of the leases of one executor: ten times its greatest number of slots. */
const MAX_LEASES = 100_000;

/** The executor's key; absent: an executor of an earlier release. */
const key = Type.Optional(ExecutorKey);

const lease = { task_id: Id, run_id: Id, lease: Type.Integer({ minimum: 1 }) };
const leased = { ...lease, key };

/**
 * The task's identity: after a restore from a backup another task may get the same id. Executors with a key must send
 * it; some executors of earlier releases do not.
 */
const uuid = Type.Optional(Word);

/** A piece of an attempt's output; `data` is base64, offsets count raw bytes. Storing a piece twice changes nothing. */
const OutputPiece = Type.Object({
  offset: Type.Integer({ minimum: 0 }),
  data: Type.String(),
  /**
   * The output is longer than `head` and `tail` together: of the bytes up to the end of this piece, keep only these at
   * the beginning and at the end. Absent from executors of earlier releases.
   */
  kept: Type.Optional(
    Type.Object({ head: Type.Integer({ minimum: 0 }), tail: Type.Integer({ minimum: 0 }) }),
  ),
});
export type OutputPiece = Static<typeof OutputPiece>;

/** Ids and addresses of machines, as providers report them: one word of visible characters, or empty. */
export const MACHINE_WORD = '^[\\x21-\\x7e]*$';
/** A host key as recorded: `type base64`. */
const HOST_KEY = '^[a-z0-9@.-]{1,64} [A-Za-z0-9+/]+={0,3}$';

export const AttemptResult = Type.Object({
  status: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('stopped')]),
  /** Why the attempt failed, for people; empty if it succeeded. The scheduler cleans the text, see `plainLine`. */
  reason: AnyText,
  exit_code: Type.Optional(Type.Integer()),
  /**
   * The attempt failed before its command began: the node was not reached, or the command could not be started there.
   * `ignore_error` does not apply to such a failure. Absent from executors of earlier releases.
   */
  not_begun: Type.Optional(Type.Boolean()),
  /**
   * Another attempt would do harm: the node has not been seen since it began to restart, or the command cannot be
   * ended. A person has to decide.
   */
  no_retry: Type.Optional(Type.Boolean()),
  /** A remark about an attempt that succeeded. Absent from executors of earlier releases. */
  note: Type.Optional(AnyText),
  /**
   * Its command, or that of an earlier attempt, may still run on the node: it could not be ended. Possible with every
   * status but `succeeded`.
   */
  may_run: Type.Optional(Type.Boolean()),
  /**
   * The machine that a create_vm made or found again, also if the attempt failed later; `ip` is empty while it has
   * none.
   */
  machine: Type.Optional(
    Type.Object({
      vm_id: Type.String({ maxLength: 255, pattern: MACHINE_WORD }),
      ip: Type.String({ maxLength: 255, pattern: MACHINE_WORD }),
    }),
  ),
  /** The provider may have made a machine whose id is not known. */
  unknown_machine: Type.Optional(Type.Boolean()),
  started_at: Type.Integer(),
  finished_at: Type.Integer(),
});
export type AttemptResult = Static<typeof AttemptResult>;

const refused = Type.Object({ status: Type.Literal('refused'), reason: Type.String() });

/** The task's plan, if the claim asked for it. Absent from schedulers of earlier releases. */
const plan = Type.Optional(TaskPlan);

export const execution = {
  claim: defineRpc('scheduler.{partition}.claim', {
    request: Type.Object({
      task_id: Id,
      run_id: Id,
      executor: ExecutorName,
      key,
      capabilities,
      /** The executor does not have the task's plan and asks for it. */
      plan: Type.Optional(Type.Boolean()),
      /**
       * The executor obeys `placed` and `folders` of instructions. Executors of earlier releases would begin such an
       * attempt again.
       */
      knows_places: Type.Optional(Type.Boolean()),
    }),
    response: Type.Union([
      Type.Object({
        status: Type.Literal('granted'),
        lease: Type.Integer({ minimum: 1 }),
        /** The task's identity; the plan must have the same. Absent from schedulers of earlier releases. */
        uuid,
        node: Type.Object({
          node_id: Id,
          ip: Type.String(),
          /** Id of its machine at the VM provider, empty when it has none. */
          vm_id: Type.String(),
          /** The node's SSH host key (`type base64`); null: none was seen yet. */
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
  /** The plan alone, for an executor that did not get it with a claim. */
  plan: defineRpc('scheduler.{partition}.plan', {
    request: Type.Object({ task_id: Id }),
    response: TaskPlan,
    timeoutMs: 5_000,
    sealed: true,
  }),
  /** A repeated report gets the same answer, and the scheduler records nothing twice. */
  report: defineRpc('scheduler.{partition}.report', {
    request: Type.Object({
      ...leased,
      uuid,
      step: Type.Integer({ minimum: 0 }),
      attempt: Type.Integer({ minimum: 1 }),
      result: AttemptResult,
      /** The end of the attempt's output, after the pieces that were already sent. */
      output: Type.Optional(OutputPiece),
      /** The node's host key, if the executor accepted it at first sight. */
      host_key: Type.Optional(Type.String({ maxLength: 16_384, pattern: HOST_KEY })),
      capabilities,
    }),
    response: Type.Union([Type.Object({ status: Type.Literal('accepted'), next: Instruction }), refused]),
    timeoutMs: 5_000,
    together: true,
    sealed: true,
  }),
  /**
   * Called before an attempt begins outside of the home folder, which cannot take its files. Once accepted, the place
   * is part of every later instruction. The scheduler accepts it only from the one executor that it instructed to begin
   * the attempt. May be repeated.
   */
  place: defineRpc('scheduler.{partition}.place', {
    request: Type.Object({
      ...leased,
      uuid,
      step: Type.Integer({ minimum: 0 }),
      attempt: Type.Integer({ minimum: 1 }),
      placement: Placement,
      /** The reason why the home folder could not take the files. */
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
  /** An executor that shuts down gives a run back; the scheduler offers it again at once. */
  handBack: defineRpc('scheduler.{partition}.hand_back', {
    request: Type.Object({ ...leased, uuid }),
    response: Done,
    timeoutMs: 2_000,
    together: true,
    sealed: true,
  }),
};

/**
 * Published by a scheduler that has taken over partitions and serves them. An executor that waits for an answer of the
 * last owner asks again.
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
   * Identities of the tasks of the leases: [task id, uuid]. After a restore of the database an id may mean another
   * task. If the executor has a key, a lease of a task that is not named here is not extended.
   */
  tasks: Type.Optional(Type.Array(Type.Tuple([Type.Integer(), Word]), { maxItems: MAX_LEASES })),
  /** The executor's capabilities, and how many more runs it can take now. Absent from executors of earlier releases. */
  capabilities: Type.Optional(capabilities),
  free_slots: Type.Optional(Type.Integer()),
  /** Runs that wait for something: [run id, what it waits for, since when]. Not all of them if there are many. */
  waiting: Type.Optional(
    Type.Array(Type.Tuple([Type.Integer(), AnyText, Type.Integer()]), { maxItems: MAX_LEASES }),
  ),
});
export type Heartbeat = Static<typeof Heartbeat>;

export const HEARTBEAT_INTERVAL_MS = 2_000;
/** A lease that no heartbeat has named for this long is over, and the scheduler offers the run again. */
export const LEASE_TTL_MS = 10_000;

/**
 * To one executor: these leases are over. `stop`: end the running command; `lost`: leave it alone, another executor has
 * it.
 */
export const controlSubject = (executor: string): string => `rigel.executor.${executor}.control`;
export const ExecutorControl = Type.Object({
  leases: Type.Array(
    Type.Object({ ...lease, why: Type.Union([Type.Literal('stop'), Type.Literal('lost')]) }),
    { maxItems: MAX_LEASES },
  ),
});
export type ExecutorControl = Static<typeof ExecutorControl>;
