import { type Static, type TSchema, Type } from 'typebox';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { RunState } from './tasks.js';
import { NodeReasons, Reason } from './why.js';

/*
 * One node's run of a task, attempt by attempt, and what its commands printed. Times are milliseconds since 1970 (UTC).
 * Any replica answers from the events and the stored output.
 */

const Moment = Type.Integer();
const Version = Type.Integer({ minimum: 1 });
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

/** An executor's hold on an attempt, from the event that gave it to the one that ended it. */
export const AttemptLease = Type.Object({
  lease: Type.Integer({ minimum: 1 }),
  executor: Type.String(),
  /**
   * How the executor came to the attempt. `begins`: it claimed the run and was to begin the attempt; `goes_on`: it had
   * the lease already, from the attempt before; `finds`: an earlier executor may have begun the attempt, so this one
   * looked for it on the node; `ends`: it was to end the command.
   */
  how: Type.Union([
    Type.Literal('begins'),
    Type.Literal('goes_on'),
    Type.Literal('finds'),
    Type.Literal('ends'),
  ]),
  from: Moment,
  from_version: Version,
  until: orNull(Moment),
  until_version: orNull(Version),
  /**
   * What ended it. `reported`: the executor told the outcome; `expired`: its heartbeats stopped; `handed_back`: it gave
   * the run back; `released`: the run ended otherwise. null: it still holds.
   */
  over: orNull(
    Type.Union([
      Type.Literal('reported'),
      Type.Literal('expired'),
      Type.Literal('handed_back'),
      Type.Literal('released'),
    ]),
  ),
});
export type AttemptLease = Static<typeof AttemptLease>;

/** What is stored of an attempt's output. */
export const AttemptOutput = Type.Object({
  /** Bytes that the command printed, as far as the scheduler has heard of them. */
  bytes: Type.Integer({ minimum: 0 }),
  stored: Type.Integer({ minimum: 0 }),
  /** Bytes that were left out because of the limit of output. */
  dropped: Type.Integer({ minimum: 0 }),
});
export type AttemptOutput = Static<typeof AttemptOutput>;

/** One attempt at a step on one node, with the versions of the task's stream that it follows from. */
export const RunAttempt = Type.Object({
  /** The attempt's name on the node: its files there carry it, and no other attempt ever gets it. */
  key: Type.String(),
  attempt: Type.Integer({ minimum: 1 }),
  /** `unknown`: its outcome was never learned; `ignored`: it failed, and the run went on all the same. */
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('ignored'),
    Type.Literal('stopped'),
    Type.Literal('unknown'),
  ]),
  /** When an executor was given leave to begin it. */
  authorised: Moment,
  authorised_version: Version,
  /** When its command began and ended; null: not known (yet). */
  started: orNull(Moment),
  finished: orNull(Moment),
  ended_version: orNull(Version),
  exit_code: orNull(Type.Integer()),
  reason: Type.String(),
  note: Type.String(),
  /** No executor saw the command end: it may still run. */
  may_run: Type.Boolean(),
  /** When the next attempt may begin, if another one follows. */
  retry_at: orNull(Moment),
  /** The folder on the node, if the attempt could not run in the home folder. */
  folder: orNull(Type.String()),
  leases: Type.Array(AttemptLease),
  output: AttemptOutput,
  versions: Type.Array(Version),
});
export type RunAttempt = Static<typeof RunAttempt>;

export const RunStep = Type.Object({
  name: Type.String(),
  state: RunState,
  message: Type.String(),
  attempts: Type.Array(RunAttempt),
});
export type RunStep = Static<typeof RunStep>;

/** One node's run of a task: every step of the task with the attempts that were made at it. */
export const RunAccount = Type.Object({
  id: Id,
  task_id: Id,
  task_name: Type.String(),
  pool_name: Type.String(),
  node_id: Id,
  ip: Type.String(),
  vm_id: Type.String(),
  /** From 1. */
  batch: Type.Integer({ minimum: 1 }),
  state: RunState,
  /** Where the run stands: pending, ready, gated, leased, orphaned, draining, ended. */
  phase: Type.String(),
  /** From 1; the number of steps once all are done. */
  step_num: Type.Integer({ minimum: 1 }),
  steps: Type.Array(RunStep),
  created: Moment,
  updated: Moment,
  /** Version of the task's stream that this follows from. */
  version: Version,
});
export type RunAccount = Static<typeof RunAccount>;

/** Bytes of output in one answer at most. */
export const MAX_OUTPUT_RANGE = 1_048_576;
/** Characters of a search text at most. */
export const MAX_SEARCH_TEXT = 500;
/** Hits in one answer at most. */
export const MAX_HITS = 1_000;

const ofAttempt = {
  id: Id,
  /** From 1. */
  step: Type.Integer({ minimum: 1, maximum: 1_000 }),
  attempt: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
};

const pattern = {
  q: Type.String({ minLength: 1, maxLength: MAX_SEARCH_TEXT }),
  /** `q` is a regular expression of the linear kind; else it stands for itself. */
  regex: Type.Boolean(),
  ignore_case: Type.Boolean(),
};

/** Bytes that follow each other in an attempt's output. */
export const OutputPart = Type.Object({
  /** Place of the first byte in the output. */
  from: Type.Integer({ minimum: 0 }),
  /** Base64. */
  data: Type.String(),
  /** Number of the line that the first byte belongs to, from 1; bytes that were left out count as no line. */
  line: Type.Integer({ minimum: 1 }),
  /** When the scheduler stored it; null: an earlier release stored it. */
  stored: orNull(Moment),
});
export type OutputPart = Static<typeof OutputPart>;

export const OutputHit = Type.Object({
  /** Place of the line's first byte. */
  at: Type.Integer({ minimum: 0 }),
  line: Type.Integer({ minimum: 1 }),
  /** The line, or the part around the match, as text. */
  text: Type.String(),
  /** Where the first match stands in `text`, in UTF-16 units. */
  column: Type.Integer({ minimum: 0 }),
  length: Type.Integer({ minimum: 0 }),
});
export type OutputHit = Static<typeof OutputHit>;

/** Place at which a search through the output of a task goes on: the run, and the attempt and byte within it. */
export const SearchPlace = Type.Object({
  run: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  step: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
  attempt: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }),
});
export type SearchPlace = Static<typeof SearchPlace>;

/** Bytes of the output of a group that are shown. */
export const SHOWN_OUTPUT = 16_384;
/** Groups of equal output in one answer at most; nodes that an answer names for each. */
export const MOST_GROUPS = 200;
export const GROUP_NODES = 20;
/** Pieces of output in one answer at most, and bytes of them after which it ends. */
export const MOST_PIECES = 1_000;
export const PIECES_BYTES = 1_048_576;

/** Nodes on which a step ended in the same way and printed the same. */
export const OutputGroup = Type.Object({
  state: RunState,
  /** Why it failed, on the first node; empty: it did not. */
  message: Type.String(),
  count: Type.Integer({ minimum: 1 }),
  /** Bytes that the last attempt printed on each. */
  bytes: Type.Integer({ minimum: 0 }),
  /** The beginning, as text; `cut`: there is more, or bytes were left out because of the limit of output. */
  output: Type.String(),
  cut: Type.Boolean(),
  /** The first of them: node run, node, address, and the attempt whose output it is. */
  nodes: Type.Array(
    Type.Object({ run_id: Id, node_id: Id, ip: Type.String(), attempt: Type.Integer({ minimum: 0 }) }),
  ),
});
export type OutputGroup = Static<typeof OutputGroup>;

/** Place after which the pieces of a task's output go on. */
export const PiecePlace = Type.Object({
  ...SearchPlace.properties,
  byte: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
});
export type PiecePlace = Static<typeof PiecePlace>;

/** Time limit of operations that read much output: they stop themselves earlier, and say where to go on. */
const READS_MUCH_MS = 15_000;

export const nodeRuns = {
  /** `not_found`: there is no such node run. */
  account: defineRpc('scheduler.run.account', { request: Type.Object({ id: Id }), response: RunAccount }),
  /** Why the run waits, has failed or is as it is; `task` are the reasons that lie in the task. */
  why: defineRpc('scheduler.run.why', {
    request: Type.Object({ id: Id }),
    response: Type.Object({
      ...NodeReasons.properties,
      task_id: Id,
      text: Type.String(),
      task: Type.Array(Reason),
    }),
  }),
  /**
   * Stored output of an attempt: at most `length` bytes from byte `from`, or, where `from` is negative, the last ones.
   * Parts are in order; between two parts with a gap bytes were left out.
   */
  outputRange: defineRpc('scheduler.run.output_range', {
    request: Type.Object({
      ...ofAttempt,
      from: Type.Integer({ minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
      length: Type.Integer({ minimum: 1, maximum: MAX_OUTPUT_RANGE }),
    }),
    response: Type.Object({
      ...AttemptOutput.properties,
      /** Lines of all stored output; the last one counts although its end is missing. */
      lines: Type.Integer({ minimum: 0 }),
      /** Byte that the answer begins and ends at. */
      from: Type.Integer({ minimum: 0 }),
      to: Type.Integer({ minimum: 0 }),
      parts: Type.Array(OutputPart),
      /** More may still be stored: the attempt has not ended. */
      open: Type.Boolean(),
    }),
    timeoutMs: READS_MUCH_MS,
  }),
  /**
   * Lines of an attempt that match, from byte `from` on. `next` is where the next call goes on; null: everything was
   * looked through. `invalid`: the expression is not of the linear kind.
   */
  searchOutput: defineRpc('scheduler.run.output_search', {
    request: Type.Object({
      ...ofAttempt,
      ...pattern,
      from: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      limit: Type.Integer({ minimum: 1, maximum: MAX_HITS }),
    }),
    response: Type.Object({
      /** The first `limit` of the lines that match. */
      hits: Type.Array(OutputHit),
      /** Lines that match, also those beyond `limit`, as far as was searched. */
      matches: Type.Integer({ minimum: 0 }),
      /** Number of matching lines in each hundredth of the output. */
      map: Type.Array(Type.Integer({ minimum: 0 })),
      /** Bytes that were looked through. */
      searched: Type.Integer({ minimum: 0 }),
      next: orNull(Type.Integer({ minimum: 0 })),
    }),
    timeoutMs: READS_MUCH_MS,
  }),
  /**
   * What the nodes of a task printed at a step, in groups of equal results, the largest first. `wrong_state`: it takes too long to
   * compare so much output.
   */
  outputGroups: defineRpc('scheduler.task.output_groups', {
    request: Type.Object({
      id: Id,
      /** From 1; absent: the last step. */
      step: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
      limit: Type.Integer({ minimum: 1, maximum: MOST_GROUPS }),
    }),
    response: Type.Object({
      step: Type.Integer({ minimum: 1 }),
      name: Type.String(),
      groups: Type.Array(OutputGroup),
      more_groups: Type.Integer({ minimum: 0 }),
      /** Nodes on which the step has ended, and nodes of the task. */
      ended: Type.Integer({ minimum: 0 }),
      nodes: Type.Integer({ minimum: 0 }),
    }),
    timeoutMs: READS_MUCH_MS,
  }),
  /**
   * Stored pieces of the output of all nodes of a task, by node run, step, attempt and place. Pieces may overlap. `next` is where the
   * next call goes on; null: these were all.
   */
  outputPieces: defineRpc('scheduler.task.output_pieces', {
    request: Type.Object({
      id: Id,
      /** Only what was stored at this time or later. */
      since: Type.Optional(Moment),
      limit: Type.Integer({ minimum: 1, maximum: MOST_PIECES }),
      after: Type.Optional(PiecePlace),
    }),
    response: Type.Object({
      pieces: Type.Array(
        Type.Object({
          run_id: Id,
          ip: Type.String(),
          step: Type.Integer({ minimum: 1 }),
          attempt: Type.Integer({ minimum: 1 }),
          from: Type.Integer({ minimum: 0 }),
          /** Base64. */
          data: Type.String(),
        }),
      ),
      next: orNull(PiecePlace),
      /** When the call began, by the clock that stamps pieces. */
      now: Moment,
    }),
    timeoutMs: READS_MUCH_MS,
  }),
  /** Which nodes of a task printed lines that match, by distinct line, in the part of the task that this call reached. */
  searchTask: defineRpc('scheduler.task.output_search', {
    request: Type.Object({
      id: Id,
      ...pattern,
      limit: Type.Integer({ minimum: 1, maximum: MAX_HITS }),
      after: Type.Optional(SearchPlace),
    }),
    response: Type.Object({
      groups: Type.Array(
        Type.Object({
          /** The line without its end, shortened to 500 characters. */
          line: Type.String(),
          matches: Type.Integer({ minimum: 1 }),
          /** Nodes that printed it. */
          nodes: Type.Integer({ minimum: 1 }),
          /** Some of them: node run, address, and where the line stands. */
          on: Type.Array(
            Type.Object({
              run_id: Id,
              ip: Type.String(),
              step: Type.Integer({ minimum: 1 }),
              attempt: Type.Integer({ minimum: 1 }),
              at: Type.Integer({ minimum: 0 }),
              line: Type.Integer({ minimum: 1 }),
            }),
          ),
        }),
      ),
      /** Nodes whose output was looked through, bytes of it, and nodes of the task. */
      searched_nodes: Type.Integer({ minimum: 0 }),
      searched: Type.Integer({ minimum: 0 }),
      nodes: Type.Integer({ minimum: 0 }),
      next: orNull(SearchPlace),
    }),
    timeoutMs: READS_MUCH_MS,
  }),
};
