import { type FailureGroup, type RunLine, type Task, unwrap } from '@rigel/api-client';
import { idOf, readId } from '../api/names.js';
import { readAll } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { RUN_STATES, stateOf, TASK_STATES } from '../follow/wait.js';
import type { Column } from '../output/printer.js';
import { plain } from '../output/screen.js';
import { duration, localTime } from '../output/times.js';
import { FIND, limitFlag } from './flags.js';
import { printReceipt } from './receipt.js';
import { numberOf, readTask, taskId } from './task-id.js';

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
const STATES: readonly string[] = TASK_STATES;

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

/** Commands that look at tasks. */
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
      find: FIND,
      limit: limitFlag(50),
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
      limit: limitFlag(),
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
      )) as { rows: FailureGroup[] };
      print.rows(
        'failure',
        rows,
        [
          { field: 'count', title: 'nodes', align: 'end', text: ({ count }) => `  ${count}` },
          { field: 'step', title: 'step' },
          {
            field: 'reason',
            title: 'reason',
            text: ({ reason, example, count }) => (count === 1 ? example : reason),
          },
          {
            field: 'nodes',
            title: 'on',
            text: ({ nodes, count }) => {
              const shown = flags.nodes ? nodes : nodes.slice(0, 2);
              const more = count - shown.length;
              const rest = flags.nodes ? ` and ${more} more: rigel task runs --state failed` : ' … (--nodes)';
              return `${shown.map(({ ip }) => ip).join(' ')}${more > 0 ? rest : ''}`;
            },
          },
        ],
        { header: false },
      );
    },
  }),
];
