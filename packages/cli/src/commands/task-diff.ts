import type { RecordedStep, TaskGrid, TaskInfo } from '@rigel/api-client';
import { command } from '../command/command.js';
import { EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { RUN_STATES, stateOf } from '../follow/wait.js';
import { plain } from '../output/screen.js';
import { duration } from '../output/times.js';
import { describeField, type FieldChange } from '../plan/change.js';
import { getData } from './change-things.js';
import { numberOf, readTask } from './task-id.js';

/** As many nodes of a group are named without `--nodes`. */
const SOME = 3;

interface Side {
  task: TaskInfo;
  steps: RecordedStep[];
  /** State of each node, by its address. */
  nodes: Map<string, number>;
}

async function readSide(invocation: Invocation, text: string | undefined): Promise<Side> {
  const id = numberOf([text ?? '']);
  const task = await readTask(invocation, id);
  const [{ steps }, { whole }] = [
    await getData<{ steps: RecordedStep[] }>(invocation, '/task/{id}/plan', { path: { id } }),
    await getData<TaskGrid>(invocation, '/task/{id}/grid', { path: { id } }),
  ];
  const nodes = new Map<string, number>();
  for (const [at, ip] of (whole?.ips ?? []).entries()) nodes.set(ip, Number(whole?.state[at]));
  return { task, steps, nodes };
}

const fieldsOfTask = ({ task }: Side): Record<string, unknown> => ({
  template: `${task.template_name} (${task.template_id})`,
  pool: `${task.pool_name} (${task.pool_id})`,
  nodes: task.nodes,
  'nodes at once': task.step_len,
  tolerates: task.budget,
  state: stateOf(task),
  failed: task.failed,
  took: task.duration_ms === null ? null : duration(task.duration_ms),
});

/** A step's fields under names of their own: options, each value, what each action runs. */
function fieldsOfStep({ params, actions, ...step }: RecordedStep): Record<string, unknown> {
  const fields: Record<string, unknown> = {
    retries: step.retry_times,
    'goes on if it fails': step.ignore_error,
    timeout: step.timeout,
  };
  for (const { name, value, secret } of params) fields[name] = secret ? `secret ${value}` : value;
  for (const { name, text } of actions) fields[`action ${name}`] = text;
  return fields;
}

function compare(
  prefix: string,
  one: Record<string, unknown>,
  other: Record<string, unknown>,
): FieldChange[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]))
    .map((name) => ({ field: `${prefix}${name}`, before: one[name] ?? null, after: other[name] ?? null }));
}

/** Steps with a place of their own, so that a step that comes twice is compared twice. */
function stepsByKey(steps: readonly RecordedStep[]): Map<string, RecordedStep> {
  const seen = new Map<string, number>();
  return new Map(
    steps.map((step) => {
      const count = (seen.get(step.name) ?? 0) + 1;
      seen.set(step.name, count);
      return [count === 1 ? step.name : `${step.name} (${count})`, step];
    }),
  );
}

/** What differs in the steps of two tasks, without values that are the same. */
function stepChanges(one: Side, other: Side): FieldChange[] {
  const [before, after] = [stepsByKey(one.steps), stepsByKey(other.steps)];
  const [orderBefore, orderAfter] = [[...before.keys()].join(' → '), [...after.keys()].join(' → ')];
  return [
    ...(orderBefore === orderAfter ? [] : [{ field: 'steps', before: orderBefore, after: orderAfter }]),
    ...[...after].flatMap(([key, step]) => {
      const was = before.get(key);
      return was ? compare(`${key}: `, fieldsOfStep(was), fieldsOfStep(step)) : [];
    }),
  ];
}

interface NodeGroup {
  what: string;
  nodes: string[];
}

/** Nodes that only one of the tasks has, and those that ended otherwise. */
function nodeGroups(one: Side, other: Side): NodeGroup[] {
  const groups = new Map<string, string[]>();
  const add = (what: string, ip: string): void => {
    const nodes = groups.get(what);
    if (nodes) nodes.push(ip);
    else groups.set(what, [ip]);
  };
  for (const [ip, state] of one.nodes) {
    const now = other.nodes.get(ip);
    if (now === undefined) add(`only in task ${one.task.id}`, ip);
    else if (now !== state) add(`${RUN_STATES[state]} → ${RUN_STATES[now]}`, ip);
  }
  for (const ip of other.nodes.keys()) if (!one.nodes.has(ip)) add(`only in task ${other.task.id}`, ip);
  return [...groups].map(([what, nodes]) => ({ what, nodes }));
}

export const taskDiff = command({
  name: 'task diff',
  help: {
    en: 'Compare two tasks: what they run, on which nodes, with which end',
    zh: '比较两个任务：执行内容、节点与结果',
  },
  args: [
    { name: 'task', kind: 'task' },
    { name: 'task', kind: 'task' },
  ],
  flags: {
    nodes: { type: 'switch', help: { en: 'name all nodes', zh: '列出全部节点' } },
    'exit-code': {
      type: 'switch',
      help: { en: 'status 1 if they differ', zh: '有差异时状态为 1' },
    },
  },
  run: async (invocation, [first, second], flags) => {
    const { print, note } = invocation;
    const [one, other] = [await readSide(invocation, first), await readSide(invocation, second)];
    const fields = [...compare('', fieldsOfTask(one), fieldsOfTask(other)), ...stepChanges(one, other)];
    const groups = nodeGroups(one, other);
    const differs = fields.length + groups.length > 0;
    if (!print.isForPeople)
      print.one('diff', { tasks: [one.task.id, other.task.id], fields, nodes: groups }, []);
    else {
      for (const field of fields) for (const line of describeField(field)) print.line(line);
      for (const { what, nodes } of groups) {
        const shown = flags.nodes ? nodes : nodes.slice(0, SOME);
        const more = nodes.length > shown.length ? ' … (--nodes)' : '';
        print.line(`  ${nodes.length} nodes ${what}: ${shown.map(plain).join(' ')}${more}`);
      }
      if (!differs) note(`tasks ${one.task.id} and ${other.task.id} differ in nothing`);
    }
    return differs && flags['exit-code'] ? EXIT.notGood : EXIT.done;
  },
});
