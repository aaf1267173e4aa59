import { once, type Preview, type RunLine, type Task, type TaskInfo, unwrap } from '@rigel/api-client';
import { idOf, readId } from '../api/names.js';
import { readAll } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { judge, readTimeout, stateOf, TASK_STATES, waitForTask } from '../follow/wait.js';
import type { Column } from '../output/printer.js';
import { plain } from '../output/screen.js';
import { duration, localTime } from '../output/times.js';
import { confirm } from '../plan/confirm.js';
import { carryOut } from '../plan/plan.js';
import { attemptOf, printReceipt } from './receipt.js';
import { readNodes, readParams } from './values.js';

const TASK: Column<Task>[] = [
  { field: 'id', title: 'id', align: 'end' },
  { field: 'task_name', title: 'name' },
  { field: 'state', title: 'state', text: stateOf },
  { field: 'pool_name', title: 'pool' },
  { field: 'nodes', title: 'nodes', align: 'end' },
  { field: 'failed', title: 'failed', align: 'end' },
  { field: 'batch', title: 'batch', text: ({ batch, batches }) => `${batch}/${batches}` },
  { field: 'opr_user', title: 'by' },
  { field: 'created_at', title: 'created', text: ({ created_at }) => localTime(created_at) },
  { field: 'duration_ms', title: 'took', text: ({ duration_ms }) => duration(duration_ms), align: 'end' },
  { field: 'template_name', title: 'template', isWide: true },
];

const RUN: Column<RunLine>[] = [
  { field: 'id', title: 'run', align: 'end' },
  { field: 'ip', title: 'node' },
  { field: 'batch_id', title: 'batch', align: 'end' },
  { field: 'state', title: 'state', text: ({ state }) => RUN_STATES[state] },
  { field: 'step', title: 'step' },
  { field: 'attempts', title: 'attempts', align: 'end' },
  { field: 'message', title: 'message' },
  { field: 'vm_id', title: 'machine', isWide: true },
];
/** Names of the API's numbers for states of nodes in a task. */
const RUN_STATES = ['waits', 'running', 'succeeded', 'failed', 'halted'];
const STATES: readonly string[] = TASK_STATES;

/** The flags of commands that can wait for the end of a task. */
export const WAIT_FLAGS = {
  wait: { type: 'switch', help: { en: 'wait until the task has ended', zh: '等待任务结束' } },
  timeout: {
    type: 'text',
    value: '<30m>',
    help: { en: 'wait no longer than this; the task goes on', zh: '最长等待时间；任务会继续' },
  },
  progress: {
    type: 'text',
    value: '<auto|none>',
    choices: ['auto', 'none'],
    help: { en: 'whether to show how it goes', zh: '是否显示进度' },
  },
} as const;

/** The flags of commands that show a plan. */
export const PLAN_FLAGS = {
  'show-scripts': {
    type: 'switch',
    help: { en: 'show what would run on the first node', zh: '显示将在首个节点上执行的脚本' },
  },
  'show-left-out': {
    type: 'switch',
    help: { en: 'name the nodes that are left out, and why', zh: '列出被排除的节点及原因' },
  },
} as const;

/** Waits if it is asked to. @returns the exit status. */
export async function afterStart(
  invocation: Invocation,
  ids: readonly number[],
  flags: { wait: boolean; timeout: string | undefined; progress: string | undefined },
): Promise<number> {
  for (const id of ids) {
    if (invocation.print.isForPeople || invocation.print.format === 'name')
      invocation.print.line(`task/${id}`);
    else if (!flags.wait) invocation.print.one('task', { id }, []);
  }
  if (!flags.wait) return EXIT.done;
  const timeoutMs = readTimeout(flags.timeout);
  let status: number = EXIT.done;
  for (const id of ids) {
    const task = await waitForTask(invocation, id, { timeoutMs, progress: flags.progress !== 'none' });
    const { isGood, text } = judge(task);
    invocation.note(text);
    if (!invocation.print.isForPeople && invocation.print.format !== 'name')
      invocation.print.one('task', task, []);
    if (!isGood) status = EXIT.notGood;
  }
  return status;
}

/** Sends a command that makes tasks. @returns their ids, which the API names in a header. */
export async function started(
  call: Promise<{ data?: unknown; error?: unknown; response: Response }>,
): Promise<number[]> {
  const answer = await call;
  await unwrap(Promise.resolve(answer));
  return (answer.response.headers.get('x-task-id') ?? '')
    .split(',')
    .map(Number)
    .filter((id) => id > 0);
}

const readTask = async ({ api }: Invocation, id: number): Promise<TaskInfo> =>
  (await unwrap(api().GET('/task/{id}', { params: { path: { id } } }))) as TaskInfo;

async function templateName({ api }: Invocation, id: number): Promise<string> {
  const template = await unwrap(api().GET('/task_tpl/{id}', { params: { path: { id } } }));
  return (template as { name: string }).name;
}

const taskId = [{ name: 'task', kind: 'task' }] as const;
const numberOf = ([text = '']: readonly string[]): number => readId('task', text);
const reason = {
  type: 'text',
  value: '<text>',
  help: { en: 'why, for the log and the audit', zh: '原因，记入日志与审计' },
} as const;

function stateNumber(text: string | undefined, states: readonly string[]): number | undefined {
  if (text === undefined) return undefined;
  const at = states.indexOf(text);
  if (at >= 0) return at;
  throw new CommandError(`--state must be one of ${states.join(', ')} (got ${JSON.stringify(text)})`);
}

/** Shows a task as it was. */
async function showPast({ api, print }: Invocation, id: number, at: string): Promise<void> {
  const moment = /^\d{1,9}$/.test(at) ? { version: Number(at) } : { time: at };
  const past = await unwrap(api().GET('/task/{id}/at', { params: { path: { id }, query: moment as never } }));
  const {
    version,
    at: when,
    state,
    stat,
  } = past as { version: number; at: string; state: number; stat: number[] };
  const [waits, running, done, failed, halted] = stat;
  print.one('task', past, [
    ['task', `${id} after event ${version}, ${localTime(when)}`],
    ['state', STATES[state]],
    ['nodes', `${done} succeeded, ${running} running, ${failed} failed, ${waits} waiting, ${halted} halted`],
  ]);
}

/** Reasons below each other: each because of the next. */
function chainLines(chain: readonly { text: string; since: string | null }[], from: number): string[] {
  return chain.map(({ text, since }, at) => {
    const depth = at + from;
    const place = depth === 0 ? '' : `${'   '.repeat(depth - 1)} └ `;
    return `${place}${plain(text)}${since === null ? '' : `     since ${localTime(since)}`}`;
  });
}

export const taskCommands = [
  command({
    name: 'task list',
    help: { en: 'List tasks, newest first', zh: '列出任务，最新的在前' },
    flags: {
      state: {
        type: 'text',
        value: `<${STATES.join('|')}>`,
        help: { en: 'only in this state', zh: '仅此状态' },
      },
      active: { type: 'switch', help: { en: 'only those that have not ended', zh: '仅未结束的' } },
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'only of this pool', zh: '仅此服务池的' },
      },
      template: {
        type: 'text',
        value: '<template>',
        help: { en: 'only of this template', zh: '仅此模板的' },
      },
      by: { type: 'text', value: '<name>', help: { en: 'only of this operator', zh: '仅此操作人的' } },
      find: {
        type: 'text',
        value: '<text>',
        help: { en: 'whose name has this text', zh: '名称包含此文本的' },
      },
      limit: {
        type: 'number',
        value: '<n>',
        help: { en: 'at most so many (default 50)', zh: '最多条数（默认 50）' },
      },
    },
    run: async (invocation, _args, flags) => {
      const pool = flags.pool === undefined ? undefined : await idOf(invocation, 'pool', flags.pool);
      const template =
        flags.template === undefined ? undefined : await idOf(invocation, 'template', flags.template);
      const state = stateNumber(flags.state, STATES);
      const rows = await readAll(flags.limit ?? 50, (part) =>
        unwrap(
          invocation.api().GET('/task/find', {
            params: {
              query: {
                ...part,
                ...(state === undefined ? {} : { state: String(state) }),
                ...(flags.active ? { active: true } : {}),
                ...(pool === undefined ? {} : { pool_id: pool }),
                ...(template === undefined ? {} : { template_id: template }),
                ...(flags.by === undefined ? {} : { opr_user: flags.by }),
                ...(flags.find === undefined ? {} : { q: flags.find }),
              } as never,
            },
          }),
        ),
      );
      invocation.print.rows('task', rows, TASK);
    },
  }),
  command({
    name: 'task show',
    help: { en: 'Show a task, as it is or as it was', zh: '查看任务（当前或过去）' },
    args: taskId,
    flags: {
      at: {
        type: 'text',
        value: '<version|time>',
        help: { en: 'as it was after this event, or at this time', zh: '在此事件之后或此时刻的状态' },
      },
    },
    run: async (invocation, args, flags) => {
      if (flags.at !== undefined) return showPast(invocation, numberOf(args), flags.at);
      const task = await readTask(invocation, numberOf(args));
      const [, running, done, failed, halted] = task.stat;
      invocation.print.one('task', task, [
        ['task', `${task.id} ${task.task_name}`],
        ['state', stateOf(task)],
        ['pool', `${task.pool_name} (${task.pool_id})`],
        ['template', `${task.template_name} (${task.template_id})`],
        ['steps', task.options.map(({ name }) => name).join(' → ')],
        ['nodes', `${task.nodes}: ${done} succeeded, ${running} running, ${failed} failed, ${halted} halted`],
        ['batch', `${task.batch} of ${task.batches}, up to ${task.step_len} nodes each`],
        ['tolerates', task.budget === null ? '' : `${task.budget} failed nodes`],
        ['created', `${localTime(task.created_at)} by ${task.opr_user}`],
        ['ended', localTime(task.ended_at)],
        ['took', duration(task.duration_ms)],
      ]);
    },
  }),
  command({
    name: 'task create',
    help: {
      en: 'Run a template over nodes: shows the plan, asks, starts it',
      zh: '在节点上执行模板：显示计划、询问、启动',
    },
    flags: {
      template: { type: 'text', value: '<template>', help: { en: 'what to run', zh: '要执行的模板' } },
      nodes: {
        type: 'texts',
        value: '<address|@file|->',
        help: {
          en: 'on which nodes: addresses, @file or - with one on each line',
          zh: '目标节点：地址、@文件，或 - 为标准输入，每行一个',
        },
      },
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'on all nodes of a pool', zh: '服务池的全部节点' },
      },
      name: {
        type: 'text',
        value: '<text>',
        help: { en: 'name of the task (default: of the template)', zh: '任务名称' },
      },
      param: {
        type: 'texts',
        value: '<name=value>',
        help: { en: 'a value; name=@file reads it', zh: '参数值；name=@文件 从文件读取' },
      },
      'at-once': {
        type: 'number',
        value: '<n>',
        help: { en: 'at most so many nodes at once', zh: '同时最多节点数' },
      },
      'max-failed': {
        type: 'number',
        value: '<n>',
        help: { en: 'failed nodes that it tolerates', zh: '容许失败的节点数' },
      },
      'leave-out-held': {
        type: 'switch',
        help: { en: 'leave nodes out that another task holds', zh: '跳过被其他任务占用的节点' },
      },
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, _args, flags) => {
      if (flags.template === undefined) throw new CommandError('task create needs --template <template>');
      const template = await idOf(invocation, 'template', flags.template);
      const nodes = await readNodes(invocation, flags.nodes, flags.pool);
      const body = {
        template_id: template,
        task_name: flags.name ?? (await templateName(invocation, template)),
        nodes: nodes.map((ip) => ({ ip })),
        params: await readParams(invocation, flags.param),
        ...(flags['at-once'] === undefined ? {} : { max_num: flags['at-once'] }),
        ...(flags['max-failed'] === undefined ? {} : { max_fail_num: flags['max-failed'] }),
        ...(flags['leave-out-held'] ? { held_nodes: 'leave_out' as const } : {}),
      };
      const { api } = invocation;
      const ids = await carryOut(invocation, {
        title: ({ template }) => `run ${plain(template.name)}`,
        question: ({ nodes, template }) => `Run ${plain(template.name)} on ${nodes.count} nodes?`,
        preview: () => unwrap(api().POST('/task/preview', { body: body as never })) as Promise<Preview>,
        run: (if_plan) =>
          started(api().POST('/task/create', { body: { ...body, if_plan } as never, ...once() })),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
  command({
    name: 'task start',
    help: { en: 'Start a task, or go on where it halted', zh: '启动任务，或从中止处继续' },
    args: taskId,
    flags: {
      'max-failed': {
        type: 'number',
        value: '<n>',
        help: { en: 'a new budget of failed nodes', zh: '新的失败容许数' },
      },
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      const { api } = invocation;
      const body = flags['max-failed'] === undefined ? {} : { max_fail_num: flags['max-failed'] };
      const params = { path: { id } };
      const ids = await carryOut(invocation, {
        title: () => `start task ${id}`,
        question: ({ nodes }) => `Go on with ${nodes.count} nodes of task ${id}?`,
        preview: () =>
          unwrap(api().POST('/task/start/{id}/preview', { params, body: body as never })) as Promise<Preview>,
        run: async (if_plan) => {
          await unwrap(api().POST('/task/start/{id}', { params, body: { ...body, if_plan } as never }));
          return [id];
        },
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
  command({
    name: 'task retry',
    help: { en: 'Try failed nodes of a halted task again', zh: '重试已中止任务的失败节点' },
    args: taskId,
    flags: {
      reason: {
        type: 'text',
        value: '<text>',
        help: { en: 'only those whose message has this text', zh: '仅消息包含此文本的' },
      },
      'max-failed': {
        type: 'number',
        value: '<n>',
        help: { en: 'a new budget of failed nodes', zh: '新的失败容许数' },
      },
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      const { api } = invocation;
      const params = { path: { id } };
      const failed = await readAll(undefined, (part) =>
        unwrap(
          api().GET('/task/{id}/runs', {
            params: {
              path: { id },
              query: {
                ...part,
                state: '3',
                ...(flags.reason === undefined ? {} : { reason: flags.reason }),
              } as never,
            },
          }),
        ),
      );
      if (failed.length === 0)
        throw new CommandError(
          `task ${id} has no failed node${flags.reason === undefined ? '' : ` whose message has ${JSON.stringify(flags.reason)}`}`,
          EXIT.refused,
        );
      const body = {
        runs: failed.map((run) => run.id),
        ...(flags['max-failed'] === undefined ? {} : { max_fail_num: flags['max-failed'] }),
      };
      const ids = await carryOut(invocation, {
        title: () => `retry task ${id}`,
        question: ({ nodes }) => `Try ${nodes.count} nodes of task ${id} again?`,
        preview: () =>
          unwrap(api().POST('/task/start/{id}/preview', { params, body: body as never })) as Promise<Preview>,
        run: async (if_plan) => {
          await unwrap(api().POST('/task/start/{id}', { params, body: { ...body, if_plan } as never }));
          return [id];
        },
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
  command({
    name: 'task pause',
    help: { en: 'Pause a running task: no further node begins', zh: '暂停任务：不再开始新的节点' },
    args: taskId,
    flags: { reason },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      await unwrap(
        invocation.api().POST('/task/pause/{id}', {
          params: { path: { id } },
          body: flags.reason === undefined ? {} : { reason: flags.reason },
        }),
      );
      invocation.note(`task ${id} is paused: rigel task start ${id} goes on`);
    },
  }),
  command({
    name: 'task stop',
    help: { en: 'End a task for good', zh: '永久终止任务' },
    args: taskId,
    flags: {
      reason,
      confirm: {
        type: 'text',
        value: '<pool>',
        help: { en: 'name of a protected pool', zh: '受保护服务池的名称' },
      },
      ...WAIT_FLAGS,
    },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      const task = await readTask(invocation, id);
      const running = task.commands_alive ?? task.stat[1] ?? 0;
      await confirm(
        invocation,
        `Stop task ${id} (${plain(task.task_name)}) for good? ${running} nodes are at work.`,
      );
      await unwrap(
        invocation.api().POST('/task/stop/{id}', {
          params: { path: { id } },
          body: {
            ...(flags.reason === undefined ? {} : { reason: flags.reason }),
            ...(flags.confirm === undefined ? {} : { confirm: flags.confirm }),
          },
        }),
      );
      invocation.note(`task ${id} is stopped`);
      if (!flags.wait) return EXIT.done;
      const ended = await waitForTask(invocation, id, {
        timeoutMs: readTimeout(flags.timeout),
        progress: flags.progress !== 'none',
      });
      invocation.note(`nothing of task ${ended.id} runs on any node`);
      return EXIT.done;
    },
  }),
  command({
    name: 'task wait',
    help: { en: 'Wait until a task has ended or halted', zh: '等待任务结束或中止' },
    args: taskId,
    flags: { timeout: WAIT_FLAGS.timeout, progress: WAIT_FLAGS.progress },
    run: (invocation, args, flags) => afterStart(invocation, [numberOf(args)], { wait: true, ...flags }),
  }),
  command({
    name: 'task watch',
    help: { en: 'Show how a task goes until it has ended', zh: '跟踪任务直至结束' },
    args: taskId,
    flags: { timeout: WAIT_FLAGS.timeout },
    run: async (invocation, args, flags) => {
      const task = await waitForTask(invocation, numberOf(args), {
        timeoutMs: readTimeout(flags.timeout),
        progress: true,
      });
      const { isGood, text } = judge(task);
      invocation.note(text);
      return isGood ? EXIT.done : EXIT.notGood;
    },
  }),
  command({
    name: 'task receipt',
    help: {
      en: 'Prove what an attempt did on a node: leases, executors, its end',
      zh: '证明某次执行在节点上做了什么：租约、执行器、结果',
    },
    args: [
      { name: 'run', kind: 'run' },
      { name: 'step.attempt', optional: true },
    ],
    run: async (invocation, [text = '', which]) => {
      const nsid = readId('run', text);
      const account = await unwrap(invocation.api().GET('/task/node/{nsid}', { params: { path: { nsid } } }));
      printReceipt(invocation, account, which);
    },
  }),
  command({
    name: 'task why',
    help: {
      en: 'Say why a task waits, has failed, or ended as it did',
      zh: '说明任务为何等待、失败或如此结束',
    },
    args: taskId,
    run: async (invocation, args) => {
      const id = numberOf(args);
      const { api, print } = invocation;
      const why = await unwrap(api().GET('/task/{id}/why', { params: { path: { id } } }));
      if (!print.isForPeople) return print.one('task', why, []);
      for (const line of chainLines(why.chain, 0)) print.line(line);
      for (const node of why.nodes) {
        print.line(`${plain(node.ip)}  ${RUN_STATES[node.state]}`);
        for (const line of chainLines(node.chain, 1)) print.line(line);
      }
      if (why.more_nodes > 0) print.line(`and ${why.more_nodes} more nodes`);
    },
  }),
  command({
    name: 'task log',
    help: { en: 'Print the log of a task', zh: '输出任务日志' },
    args: taskId,
    run: async (invocation, args) => {
      const { api, print } = invocation;
      const lines = (await unwrap(
        api().GET('/task/{id}/log', { params: { path: { id: numberOf(args) } } }),
      )) as { ctime: number; batch_id: number; message: string }[];
      for (const line of lines) {
        const at = localTime(new Date(line.ctime * 1_000).toISOString());
        print.item(
          line,
          `${at}  ${line.batch_id === 0 ? '' : `batch ${line.batch_id}: `}${plain(line.message)}`,
        );
      }
    },
  }),
  command({
    name: 'task events',
    help: { en: 'Print what is recorded of a task', zh: '输出任务的事件记录' },
    args: taskId,
    flags: { limit: { type: 'number', value: '<n>', help: { en: 'at most so many', zh: '最多条数' } } },
    run: async (invocation, args, flags) => {
      const { api, print } = invocation;
      const id = numberOf(args);
      const rows = await readAll(flags.limit, (part) =>
        unwrap(api().GET('/task/{id}/history', { params: { path: { id }, query: part } })),
      );
      for (const row of rows)
        print.item(
          row,
          `${String(row.version).padStart(6)}  ${localTime(row.at)}  ${plain(row.event).padEnd(22)}  ${plain(row.data)}`,
        );
    },
  }),
  command({
    name: 'task runs',
    help: { en: 'List the nodes of a task', zh: '列出任务的节点' },
    args: taskId,
    flags: {
      state: {
        type: 'text',
        value: `<${RUN_STATES.join('|')}>`,
        help: { en: 'only in this state', zh: '仅此状态' },
      },
      batch: { type: 'number', value: '<n>', help: { en: 'only of this batch', zh: '仅此批次' } },
      reason: {
        type: 'text',
        value: '<text>',
        help: { en: 'whose message has this text', zh: '消息包含此文本的' },
      },
      limit: {
        type: 'number',
        value: '<n>',
        help: { en: 'at most so many (default: all)', zh: '最多条数（默认全部）' },
      },
    },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      const state = stateNumber(flags.state, RUN_STATES);
      const rows = await readAll(flags.limit, (part) =>
        unwrap(
          invocation.api().GET('/task/{id}/runs', {
            params: {
              path: { id },
              query: {
                ...part,
                ...(state === undefined ? {} : { state: String(state) }),
                ...(flags.batch === undefined ? {} : { batch: flags.batch }),
                ...(flags.reason === undefined ? {} : { reason: flags.reason }),
              } as never,
            },
          }),
        ),
      );
      invocation.print.rows('run', rows, RUN);
    },
  }),
  command({
    name: 'task failures',
    help: { en: 'Group the failed nodes of a task by step and reason', zh: '按步骤与原因归类失败节点' },
    args: taskId,
    flags: { nodes: { type: 'switch', help: { en: 'name all nodes', zh: '列出全部节点' } } },
    run: async (invocation, args, flags) => {
      const { api, print } = invocation;
      const { rows } = (await unwrap(
        api().GET('/task/{id}/failures', { params: { path: { id: numberOf(args) } } }),
      )) as { rows: { count: number; step: string; reason: string; nodes: { ip: string }[] }[] };
      print.rows('failure', rows, [
        { field: 'count', title: 'nodes', align: 'end' },
        { field: 'step', title: 'step' },
        { field: 'reason', title: 'reason' },
        {
          field: 'nodes',
          title: 'on',
          text: ({ nodes, count }) => {
            const shown = flags.nodes ? nodes : nodes.slice(0, 3);
            return `${shown.map(({ ip }) => ip).join(' ')}${count > shown.length ? ' …' : ''}`;
          },
        },
      ]);
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
    },
    run: async (invocation, [text = ''], flags) => {
      const { api, print } = invocation;
      const nsid = readId('run', text);
      const account = await unwrap(api().GET('/task/node/{nsid}', { params: { path: { nsid } } }));
      const { place, attempt } = attemptOf(account, flags.step, flags.attempt);
      const answer = await api().GET('/task/node/{nsid}/output/raw', {
        params: {
          path: { nsid },
          query: { step: place, attempt: attempt.attempt } as never,
        },
        parseAs: 'text',
      });
      if (!answer.response.ok) {
        await unwrap(Promise.resolve(answer as never));
        return;
      }
      for (const line of String(answer.data).replace(/\n$/, '').split('\n')) print.line(plain(line));
    },
  }),
];
