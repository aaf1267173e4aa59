import { type NodeRunAccount, unwrap } from '@rigel/api-client';
import { readId } from '../api/names.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { attemptsAfter, type Place, printOutput } from '../follow/output.js';
import { patiently } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { getData } from './change-things.js';
import { attemptOf } from './receipt.js';
import { numberOf, readTask, taskId } from './task-id.js';

const LOOK_MS = 1_000;
const PAGE = 500;

interface EventRow {
  version: number;
  at: string;
  event: string;
  data: unknown;
}

interface Events {
  rows: EventRow[];
  version: number;
  next: string | null;
}

const FOLLOW = {
  type: 'switch',
  help: { en: 'go on until it has ended', zh: '持续输出直至结束' },
} as const;

const accountOf = ({ api }: Invocation, nsid: number): Promise<NodeRunAccount> =>
  unwrap(api().GET('/task/node/{nsid}', { params: { path: { nsid } } }));

/** A run that waits, is at work, or is halted may have another attempt. */
const isOver = ({ state }: NodeRunAccount): boolean => state === 2 || state === 3 || state === 4;

/** Prints an attempt, and with `follow` each attempt after it, until the run has ended. */
async function followRun(
  invocation: Invocation,
  first: Place,
  flags: { follow: boolean; tail: number | undefined; isOne: boolean },
): Promise<void> {
  const { io, note, signal } = invocation;
  let place = first;
  await printOutput(invocation, place, flags);
  while (flags.follow && !flags.isOne && !signal.aborted) {
    const account = await patiently(invocation, Number.POSITIVE_INFINITY, () =>
      accountOf(invocation, first.nsid),
    );
    const [next] = attemptsAfter(account, place);
    if (next) {
      place = { nsid: first.nsid, step: next.step, attempt: next.attempt };
      const { name } = account.steps[next.step - 1] as { name: string };
      note(`${plain(name)} attempt ${next.attempt}`);
      await printOutput(invocation, place, { follow: true, tail: undefined });
    } else if (isOver(account)) return;
    else await io.sleep(LOOK_MS, signal);
  }
}

/** Commands that show what happens in a task as it happens. */
export const taskFollow = [
  command({
    name: 'task events',
    help: { en: 'Print what is recorded of a task', zh: '输出任务的事件记录' },
    args: taskId,
    flags: {
      follow: FOLLOW,
      after: {
        type: 'number',
        value: '<version>',
        help: { en: 'only what came after this event', zh: '仅此事件之后的' },
      },
      limit: { type: 'number', value: '<n>', help: { en: 'at most so many', zh: '最多条数' } },
    },
    run: async (invocation, args, flags) => {
      const { print, io, signal } = invocation;
      const id = numberOf(args);
      let after = flags.after ?? 0;
      let left = flags.limit ?? Number.POSITIVE_INFINITY;
      const until = flags.follow ? Number.POSITIVE_INFINITY : 0;
      while (left > 0) {
        const { rows } = await patiently(invocation, until, () =>
          getData<Events>(invocation, '/task/{id}/history', {
            path: { id },
            query: { after, limit: Math.min(PAGE, left) },
          }),
        );
        for (const row of rows) {
          print.item(
            row,
            `${String(row.version).padStart(6)}  ${localTime(row.at)}  ${plain(row.event).padEnd(22)}  ${plain(row.data)}`,
          );
          after = row.version;
        }
        left -= rows.length;
        if (rows.length > 0) continue;
        if (!flags.follow) break;
        // The state is read before it looks once more: what came between is in the next answer.
        const task = await patiently(invocation, until, () => readTask(invocation, id));
        if (task.end_reason !== '' && (task.commands_alive ?? 0) === 0 && task.version <= after) break;
        await io.sleep(LOOK_MS, signal);
        if (signal.aborted) throw new CommandError('interrupted', EXIT.interrupted);
      }
    },
  }),
  command({
    name: 'task output',
    help: { en: 'Print what an attempt printed on a node', zh: '输出某次执行在节点上的输出' },
    args: [{ name: 'run', kind: 'run' }],
    flags: {
      step: {
        type: 'number',
        value: '<n>',
        help: { en: 'place of the step, from 1 (default: the last one)', zh: '步骤序号（默认最后一个）' },
      },
      attempt: {
        type: 'number',
        value: '<n>',
        help: { en: 'which attempt (default: the last one)', zh: '第几次执行（默认最后一次）' },
      },
      tail: {
        type: 'number',
        value: '<n>',
        help: { en: 'only the last n lines', zh: '仅最后 n 行' },
      },
      follow: {
        type: 'switch',
        help: {
          en: 'go on until the node has ended, through further attempts and steps',
          zh: '持续输出直至节点结束（包括后续执行与步骤）',
        },
      },
    },
    run: async (invocation, [text = ''], flags) => {
      const { io, signal } = invocation;
      const nsid = readId('run', text);
      let account = await accountOf(invocation, nsid);
      // With --follow, a node may be followed before it has begun.
      while (
        flags.follow &&
        account.steps.every(({ attempts }) => attempts.length === 0) &&
        !isOver(account)
      ) {
        await io.sleep(LOOK_MS, signal);
        account = await patiently(invocation, Number.POSITIVE_INFINITY, () => accountOf(invocation, nsid));
      }
      const { place: step, attempt } = attemptOf(account, flags.step, flags.attempt);
      await followRun(
        invocation,
        { nsid, step, attempt: attempt.attempt },
        {
          follow: flags.follow,
          tail: flags.tail,
          isOne: flags.step !== undefined || flags.attempt !== undefined,
        },
      );
      if (signal.aborted) throw new CommandError('interrupted', EXIT.interrupted);
    },
  }),
];
