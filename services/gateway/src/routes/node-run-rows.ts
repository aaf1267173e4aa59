import {
  AttemptLease,
  type NodeReasons,
  NodeReasons as NodeReasonsShape,
  type nodeRuns,
  type Reason,
  type RpcResponse,
  RunAccount,
  RunAttempt,
  RunStep,
} from '@rigel/contracts';
import { Type } from 'typebox';
import type { TimeFormat } from '../answer/time-format.js';
import { ReasonRow } from './why.js';

/*
 * One node's run and its output in the form of the API.
 */

const At = Type.String({ description: 'RFC 3339, in UTC.' });
const AtOrNull = Type.Union([At, Type.Null()]);

const { from, until, ...lease } = AttemptLease.properties;
/** An executor's hold on an attempt. */
export const LeaseRow = Type.Object({
  ...lease,
  how: {
    ...lease.how,
    description:
      'begins: it claimed the run and was to begin the attempt; goes_on: it had the lease from the attempt before; finds: an ' +
      'earlier executor may have begun it, so it looked for it on the node; ends: it was to end the command.',
  },
  from_at: At,
  until_at: AtOrNull,
});

const { authorised, started, finished, retry_at, leases, ...attempt } = RunAttempt.properties;
/** One attempt at a step on a node. */
export const AttemptRow = Type.Object({
  ...attempt,
  key: Type.String({
    description: 'Its name on the node: its files there carry it, and no other attempt ever gets it.',
  }),
  versions: Type.Array(Type.Integer(), {
    description: 'Versions of the task’s events that this follows from.',
  }),
  authorised_at: At,
  started_at: AtOrNull,
  finished_at: AtOrNull,
  retry_at: AtOrNull,
  leases: Type.Array(LeaseRow),
});

const { attempts, ...step } = RunStep.properties;
const { created, updated, steps, ...run } = RunAccount.properties;
/** One node's run of a task, attempt by attempt. */
export const RunAccountRow = Type.Object({
  ...run,
  version: Type.Integer({ description: 'Version of the task’s events that this follows from.' }),
  created_at: At,
  updated_at: At,
  steps: Type.Array(Type.Object({ ...step, attempts: Type.Array(AttemptRow) })),
});

export function toRunAccountRow(account: RunAccount, times: TimeFormat) {
  const { created, updated, steps, ...rest } = account;
  return {
    ...rest,
    created_at: times.rfc3339(created),
    updated_at: times.rfc3339(updated),
    steps: steps.map(({ attempts, ...step }) => ({
      ...step,
      attempts: attempts.map((row) => toAttemptRow(row, times)),
    })),
  };
}

function toAttemptRow(
  { authorised, started, finished, retry_at, leases, ...rest }: RunAttempt,
  times: TimeFormat,
) {
  return {
    ...rest,
    authorised_at: times.rfc3339(authorised),
    started_at: orNull(started, times),
    finished_at: orNull(finished, times),
    retry_at: orNull(retry_at, times),
    leases: leases.map(({ from, until, ...lease }) => ({
      ...lease,
      from_at: times.rfc3339(from),
      until_at: orNull(until, times),
    })),
  };
}

function orNull(ms: number | null, times: TimeFormat): string | null {
  return ms === null ? null : times.rfc3339(ms);
}

const { chain, ...node } = NodeReasonsShape.properties;
/** Why one node's run is as it is. */
export const RunWhyRow = Type.Object({
  ...node,
  task_id: Type.Integer(),
  text: Type.String({ description: 'The reasons of the task and of the node in one line.' }),
  task: Type.Array(ReasonRow),
  chain: Type.Array(ReasonRow),
});

export function toRunWhyRow(answer: RpcResponse<typeof nodeRuns.why>, times: TimeFormat) {
  const rows = (chain: readonly Reason[]) =>
    chain.map((row) => ({ ...row, since: orNull(row.since, times) }));
  const { chain, task, ...rest } = answer satisfies NodeReasons;
  return { ...rest, task: rows(task), chain: rows(chain) };
}

/** Bytes that follow each other in an output. */
export const OutputPartRow = Type.Object({
  from: Type.Integer({ description: 'Place of the first byte in the output.' }),
  to: Type.Integer({ description: 'Place after the last byte.' }),
  line: Type.Integer({ description: 'Number of the line that the first byte belongs to, from 1.' }),
  stored_at: Type.Union([At, Type.Null()], {
    description: 'When the scheduler stored it, RFC 3339; null: an earlier release stored it.',
  }),
  text: Type.String({
    description: 'Bytes that are no UTF-8 show as U+FFFD; with encoding=base64 the bytes themselves.',
  }),
});

export const OutputRangeRow = Type.Object({
  bytes: Type.Integer({ description: 'Bytes that the command printed so far.' }),
  stored: Type.Integer({ description: 'Bytes that are stored.' }),
  dropped: Type.Integer({ description: 'Bytes that were left out because of the limit of output.' }),
  lines: Type.Integer({ description: 'Lines of all stored output.' }),
  from: Type.Integer(),
  to: Type.Integer(),
  open: Type.Boolean({ description: 'More may come: the attempt has not ended.' }),
  parts: Type.Array(OutputPartRow),
});

type Range = RpcResponse<typeof nodeRuns.outputRange>;

export function toOutputRangeRow({ parts, ...range }: Range, encoding: string, times: TimeFormat) {
  let decoder = new TextDecoder();
  let reached: number | undefined;
  const rows = parts.map(({ from, data, line, stored }, index) => {
    const bytes = Buffer.from(data, 'base64');
    const to = from + bytes.length;
    // What was left out may have torn a character apart.
    if (reached !== from) decoder = new TextDecoder();
    reached = to;
    const more = parts[index + 1]?.from === to;
    const text = encoding === 'base64' ? data : decoder.decode(bytes, { stream: more });
    return { from, to, line, stored_at: orNull(stored, times), text };
  });
  return { ...range, parts: rows };
}
