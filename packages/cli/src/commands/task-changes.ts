import { once, type Preview, unwrap } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import { readAll } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { readTimeout, waitForTask } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { confirmChange } from '../plan/change.js';
import { carryOut } from '../plan/plan.js';
import { PLAN_FLAGS, ROLL_FLAGS, rollBody, WAIT_FLAGS } from './flags.js';
import { SELECT_FLAGS, wantedNodes } from './selection.js';
import { afterStart, started } from './started.js';
import { numberOf, readTask, taskId } from './task-id.js';
import { readParams } from './values.js';

async function templateName({ api }: Invocation, id: number): Promise<string> {
  const template = await unwrap(api().GET('/task_tpl/{id}', { params: { path: { id } } }));
  return (template as { name: string }).name;
}

const reason = {
  type: 'text',
  value: '<text>',
  help: { en: 'why, for the log and the audit', zh: '原因，记入日志与审计' },
} as const;

/** Shows what a start of a task would do, asks, and does it. @returns the exit status. */
async function goOn(
  invocation: Invocation,
  id: number,
  body: object,
  flags: Parameters<typeof afterStart>[2] & { 'show-scripts': boolean; 'show-left-out': boolean },
  title: string,
  question: (nodes: number) => string,
): Promise<number> {
  const { api } = invocation;
  const params = { path: { id } };
  const ids = await carryOut(invocation, {
    title: () => title,
    question: ({ nodes }) => question(nodes.count),
    preview: () =>
      unwrap(api().POST('/task/start/{id}/preview', { params, body: body as never })) as Promise<Preview>,
    run: async (if_plan) => {
      await unwrap(api().POST('/task/start/{id}', { params, body: { ...body, if_plan } as never }));
      return [id];
    },
    detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
  });
  return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
}

/** Commands that make a task, change what it does, or wait for it. */
export const taskChanges = [
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
      ...SELECT_FLAGS,
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
      ...ROLL_FLAGS,
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, _args, flags) => {
      if (flags.template === undefined) throw new CommandError('task create needs --template <template>');
      const template = await idOf(invocation, 'template', flags.template);
      const wanted = await wantedNodes(invocation, flags.nodes, flags.pool, flags);
      const body = {
        template_id: template,
        task_name: flags.name ?? (await templateName(invocation, template)),
        ...wanted.body,
        params: await readParams(invocation, flags.param),
        ...rollBody(flags),
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
      const body = flags['max-failed'] === undefined ? {} : { max_fail_num: flags['max-failed'] };
      return goOn(
        invocation,
        id,
        body,
        flags,
        `start task ${id}`,
        (count) => `Go on with ${count} nodes of task ${id}?`,
      );
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
      return goOn(
        invocation,
        id,
        body,
        flags,
        `retry task ${id}`,
        (count) => `Try ${count} nodes of task ${id} again?`,
      );
    },
  }),
  command({
    name: 'task pause',
    help: { en: 'Pause a running task: no further node begins', zh: '暂停任务：不再开始新的节点' },
    args: taskId,
    flags: { reason },
    run: async (invocation, args, flags) => {
      const id = numberOf(args);
      if (invocation.flags.dryRun) {
        invocation.print.line(`pause task ${id}: no further node begins`);
        return;
      }
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
      const change = {
        title: `stop task ${id} (${plain(task.task_name)}) for good`,
        fields: [],
        consequences: [`${running} nodes are at work: their commands are ended`],
      };
      if (!(await confirmChange(invocation, change))) return EXIT.done;
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
];
