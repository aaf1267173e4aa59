import { readFileSync } from 'node:fs';
import { once, type Preview, unwrap } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { LiveOutput } from '../follow/live-output.js';
import { printResults } from '../follow/results.js';
import { judge, readTimeout, waitForTask } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { readSpan } from '../output/times.js';
import { carryOut } from '../plan/plan.js';
import { PLAN_FLAGS, ROLL_FLAGS, rollBody, WAIT_FLAGS } from './flags.js';
import { SELECT_FLAGS, wantedNodes } from './selection.js';
import { afterStart, started } from './started.js';
import { numberOf, taskId } from './task-id.js';

const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** The command line of several words, each of which arrives as it is; one word is a command line already. */
export function commandLine(words: readonly string[]): string {
  const [only = '', ...more] = words;
  if (more.length === 0) return only;
  return words.map((word) => (PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

async function readScript(
  { io }: Invocation,
  words: readonly string[],
  file: string | undefined,
): Promise<string> {
  if (words.length > 0 === (file !== undefined))
    throw new CommandError('what is to run? rigel run -p <pool> -- uptime, or -f <script> (- reads it)');
  if (file === undefined) return commandLine(words);
  if (file === '-') return io.readInput();
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Whole seconds of a span. @throws CommandError */
function secondsOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = readSpan(text);
  if (ms !== undefined) return ms / 1_000;
  throw new CommandError(`${flag} must be a time like 90s, 30m or 2h (got ${JSON.stringify(text)})`);
}

/** Follows new tasks to their ends, and shows what they printed. @returns the exit status. */
async function follow(
  invocation: Invocation,
  ids: readonly number[],
  { timeout, progress, live }: { timeout: string | undefined; progress: string | undefined; live: boolean },
): Promise<number> {
  const { print } = invocation;
  let status: number = EXIT.done;
  for (const id of ids) {
    const output = live ? new LiveOutput(invocation, id) : undefined;
    const task = await waitForTask(invocation, id, {
      timeoutMs: readTimeout(timeout),
      progress: !live && progress !== 'none',
      ...(output ? { eachLook: () => output.look() } : {}),
    });
    output?.finish();
    if (!live && print.format !== 'name') await printResults(invocation, id);
    const { isGood, text } = judge(task);
    invocation.note(text);
    if (!isGood) status = EXIT.notGood;
  }
  return status;
}

export const runCommands = [
  command({
    name: 'run',
    help: {
      en: 'Run a command or a script on nodes: shows the plan, asks, waits, shows what was printed',
      zh: '在节点上执行命令或脚本：显示计划、询问、等待、显示输出',
    },
    takesRest: true,
    flags: {
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'on all nodes of a pool', zh: '服务池的全部节点' },
      },
      nodes: {
        type: 'texts',
        value: '<address|@file|->',
        help: {
          en: 'on which nodes: addresses, @file or - with one on each line',
          zh: '目标节点：地址、@文件，或 - 为标准输入，每行一个',
        },
      },
      ...SELECT_FLAGS,
      file: {
        type: 'text',
        short: 'f',
        value: '<script|->',
        help: { en: 'a script in place of a command', zh: '用脚本代替命令' },
      },
      name: {
        type: 'text',
        value: '<text>',
        help: { en: 'name of the task (default: the command)', zh: '任务名称（默认为命令本身）' },
      },
      ...ROLL_FLAGS,
      'node-timeout': {
        type: 'text',
        value: '<60s>',
        help: { en: 'how long it may take on a node', zh: '每个节点上的最长时间' },
      },
      live: {
        type: 'switch',
        help: {
          en: 'print each line when it comes, behind its node',
          zh: '实时输出每一行，并标明节点',
        },
      },
      detach: {
        type: 'switch',
        help: { en: 'start it, and do not wait', zh: '启动后不等待' },
      },
      timeout: WAIT_FLAGS.timeout,
      progress: WAIT_FLAGS.progress,
      ...PLAN_FLAGS,
    },
    run: async (invocation, words, flags) => {
      const { api, print } = invocation;
      if (flags.live && !print.isForPeople)
        throw new CommandError(
          `--live prints lines for people: leave it out with -o ${print.format} (-o jsonl has a line for each node)`,
        );
      const script = await readScript(invocation, words, flags.file);
      readTimeout(flags.timeout);
      const step_timeout = secondsOf('--node-timeout', flags['node-timeout']);
      const isPool =
        flags.pool !== undefined &&
        flags.nodes.length === 0 &&
        [flags.select, flags.status, flags.first, flags.order].every((given) => given === undefined);
      const body = {
        script,
        ...(isPool
          ? { pool_id: await idOf(invocation, 'pool', flags.pool as string) }
          : (await wantedNodes(invocation, flags.nodes, flags.pool, flags)).body),
        ...(flags.name === undefined ? {} : { task_name: flags.name }),
        ...rollBody(flags),
        ...(step_timeout === undefined ? {} : { step_timeout }),
      };
      const shown = plain(script.trim().split('\n')[0] ?? '');
      const ids = await carryOut(invocation, {
        title: () => `run ${shown}`,
        question: ({ nodes }) => `Run ${shown} on ${nodes.count} nodes?`,
        preview: () => unwrap(api().POST('/task/run/preview', { body: body as never })) as Promise<Preview>,
        run: (if_plan) =>
          started(api().POST('/task/run', { body: { ...body, if_plan } as never, ...once() })),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      if (ids === undefined) return EXIT.done;
      for (const id of ids) {
        if (print.format === 'name' || (flags.detach && print.isForPeople)) print.line(`task/${id}`);
        else if (flags.detach) print.one('task', { id }, []);
        else invocation.note(`task/${id}`);
      }
      return flags.detach ? EXIT.done : follow(invocation, ids, flags);
    },
  }),
  command({
    name: 'task results',
    help: {
      en: 'Print what the nodes printed at the last step, equal results together',
      zh: '输出各节点最后一步的输出，相同结果合并',
    },
    args: taskId,
    run: (invocation, args) => printResults(invocation, numberOf(args)),
  }),
  command({
    name: 'task again',
    help: {
      en: 'Make a new task of an ended one: its nodes, or only those that failed',
      zh: '以已结束的任务创建新任务：全部节点或仅失败的节点',
    },
    args: taskId,
    flags: {
      failed: { type: 'switch', help: { en: 'only on nodes that failed', zh: '仅失败的节点' } },
      'not-succeeded': {
        type: 'switch',
        help: { en: 'only on nodes that did not succeed', zh: '仅未成功的节点' },
      },
      ...ROLL_FLAGS,
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, args, flags) => {
      const { api } = invocation;
      const id = numberOf(args);
      if (flags.failed && flags['not-succeeded'])
        throw new CommandError('--failed and --not-succeeded exclude each other: the second has the first');
      const only = flags.failed ? 'failed' : flags['not-succeeded'] ? 'not_succeeded' : undefined;
      const body = {
        ...(only === undefined ? {} : { only }),
        ...rollBody(flags),
      };
      const params = { path: { id } };
      const ids = await carryOut(invocation, {
        title: ({ template }) => `run task ${id} again (${plain(template.name)})`,
        question: ({ nodes }) => `Run task ${id} again on ${nodes.count} nodes?`,
        preview: () =>
          unwrap(api().POST('/task/again/{id}/preview', { params, body: body as never })) as Promise<Preview>,
        run: (if_plan) =>
          started(api().POST('/task/again/{id}', { params, body: { ...body, if_plan } as never, ...once() })),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
];
