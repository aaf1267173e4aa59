import {
  type live,
  type NamedTaskEvent,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type TaskEventName,
} from '@rigel/contracts';
import { type RecordedEvent, readPart } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import type { RunTable, Tables, TaskTable } from '../store/tables.js';
import { streamOf, type TaskEvent, taskEventTypes } from '../task/events.js';

type NodeOfRun = Pick<RunTable, 'index' | 'id' | 'node_id' | 'ip'>;

/** What an event is put into public terms with. */
interface Names {
  task: Pick<TaskTable, 'options'>;
  run(index: number): NodeOfRun;
  /** Id of a node run. */
  nsid(index: number): number;
}

/**
 * The events of a task after a version, in public terms: ids and names instead of indexes, and nothing of leases, command
 * texts and parameters. A batch of up to `limit` of them; `over` tells how the task ended.
 * @throws ServiceError `not_found`.
 */
export async function readTaskEvents(
  db: Kysely<Tables>,
  { id, after, limit, before, names: wanted, run_id }: RpcRequest<typeof live.taskEvents>,
): Promise<RpcResponse<typeof live.taskEvents>> {
  // The row first: what it says is true of the events up to its version, which the same transaction recorded.
  const task = await db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
  if (!task) throw noSuch('task', id, `there is no task ${id}`);
  const { version, state, end_reason, stat, ignored } = task;
  const over = end_reason !== '' && !task.active ? { state, end_reason, stat, ignored } : null;
  if (after >= version) return { events: [], version, over, next: null };
  const events = await readPart<TaskEvent>(db as unknown as Kysely<unknown>, taskEventTypes, streamOf(id), {
    after,
    before: Math.min(before ?? version + 1, version + 1),
    newestFirst: before !== undefined,
    limit: Math.min(limit, version - after),
    ...(wanted ? { types: [...new Set(wanted.flatMap((name) => TYPES_OF[name]))] } : {}),
    ...(run_id === undefined ? {} : { having: await concerning(db, id, run_id) }),
  });
  const names = await namesFor(db, task, events);
  const shown = events.map((recorded) => ({
    version: recorded.version,
    time: recorded.recordedAt,
    ...toPublic({ type: recorded.type, data: recorded.data } as TaskEvent, names),
  }));
  const last = events.at(-1)?.version;
  const end = before === undefined ? version : after + 1;
  return {
    // One type may be public under two names.
    events: wanted ? shown.filter(({ event }) => wanted.includes(event)) : shown,
    version,
    over,
    next:
      last === undefined || last === end || events.length < Math.min(limit, version - after) ? null : last,
  };
}

/** What the data of an event have that concerns a run of the task. @throws ServiceError `invalid` */
async function concerning(db: Kysely<Tables>, taskId: number, runId: number): Promise<object[]> {
  const run = await db
    .selectFrom('runs')
    .select(['index', 'node_id'])
    .where('id', '=', runId)
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  if (!run)
    throw new ServiceError('not_of_task', `nsid ${runId} is no node run of task ${taskId}`, 'nsid', {
      value: runId,
      data: { task: taskId },
    });
  return [{ run: run.index }, { runs: [run.index] }, { node: run.node_id }, { nodes: [run.node_id] }];
}

/** The types that are public under a name. */
const TYPES_OF: Record<TaskEventName, TaskEvent['type'][]> = {
  task_created: ['TaskCreated'],
  task_started: ['TaskStarted'],
  batch_started: ['BatchStarted'],
  batch_finished: ['BatchFinished'],
  node_taken: ['RunClaimed'],
  node_lost: ['LeaseExpired'],
  node_handed_back: ['RunHandedBack'],
  node_still_held: ['RunHandedBack'],
  step_placed: ['AttemptPlaced'],
  host_key_learned: ['HostKeyPinned'],
  step_succeeded: ['AttemptSucceeded'],
  step_failed: ['AttemptFailed'],
  step_stopped: ['AttemptStopped'],
  node_succeeded: ['RunSucceeded'],
  node_failed: ['RunFailed'],
  nodes_halted: ['RunsHalted'],
  node_deferred: ['RunDeferred'],
  node_waits: ['RunWaiting'],
  wait_over: ['GateOpened'],
  node_released: ['RunDrained', 'NodeReleased'],
  machine_assigned: ['MachineAssigned'],
  machine_returned: ['MachineReturned'],
  task_paused: ['TaskPaused'],
  task_stopped: ['TaskStopped'],
  task_timed_out: ['TaskTimedOut'],
  failure_budget_exceeded: ['FailureBudgetExceeded'],
  task_finished: ['TaskFinished'],
};

async function namesFor(
  db: Kysely<Tables>,
  task: TaskTable,
  events: readonly RecordedEvent<TaskEvent>[],
): Promise<Names> {
  const indexes = new Set<number>([0]);
  for (const { data } of events) if ('run' in data) indexes.add(data.run);
  const rows: NodeOfRun[] = await db
    .selectFrom('runs')
    .select(['index', 'id', 'node_id', 'ip'])
    .where('task_id', '=', task.id)
    .where('index', 'in', [...indexes])
    .execute();
  const runs = new Map(rows.map((run) => [run.index, run]));
  const run = (index: number): NodeOfRun => {
    const found = runs.get(index);
    if (!found) throw new Error(`task ${task.id} has no run ${index}`);
    return found;
  };
  // Ids of a task's runs follow each other without gaps.
  const firstId = run(0).id;
  return { task, run, nsid: (index) => firstId + index };
}

/** An event in public terms. Every type has its public name: what is recorded of a task can be seen. */
export function toPublic(event: TaskEvent, names: Names): NamedTaskEvent {
  const nodeOf = (index: number) => {
    const { id, node_id, ip } = names.run(index);
    return { nsid: id, node_id, ip };
  };
  const stepOf = (step: number) => ({
    step: names.task.options[step]?.name ?? '',
    step_num: step + 1,
  });
  const attemptOf = (data: {
    run: number;
    step: number;
    attempt: number;
    startedAt: number;
    finishedAt: number;
    exitCode?: number;
  }) => ({
    ...nodeOf(data.run),
    ...stepOf(data.step),
    attempt: data.attempt,
    started: data.startedAt,
    finished: data.finishedAt,
    ...(data.exitCode === undefined ? {} : { exit_code: data.exitCode }),
  });
  switch (event.type) {
    case 'TaskCreated': {
      const { name, template, pool, steps, nodes, batchSize, timeoutMs, flowType, operator } = event.data;
      return {
        event: 'task_created',
        data: {
          task_name: name,
          template_id: template.id,
          template_name: template.name,
          pool_id: pool.id,
          pool_name: pool.name,
          steps: steps.map((step) => step.name),
          node_count: nodes.length,
          step_len: batchSize,
          timeout: timeoutMs / 60_000,
          flow_type: flowType,
          opr_user: operator,
        },
      };
    }
    case 'TaskStarted': {
      const { operator, runs, failureBudget } = event.data;
      return {
        event: 'task_started',
        data: {
          opr_user: operator,
          nsids: runs?.map(names.nsid) ?? null,
          ...(failureBudget === undefined ? {} : { max_fail_num: failureBudget }),
        },
      };
    }
    case 'BatchStarted': {
      const { batch, runs } = event.data;
      return { event: 'batch_started', data: { batch_id: batch + 1, nsids: runs.map(names.nsid) } };
    }
    case 'MachineAssigned': {
      const { run, vm, ip } = event.data;
      return { event: 'machine_assigned', data: { ...nodeOf(run), ip, vm_id: vm } };
    }
    case 'MachineReturned':
      return { event: 'machine_returned', data: { ...nodeOf(event.data.run), vm_id: event.data.vm } };
    case 'BatchFinished': {
      const { batch, succeeded, failed } = event.data;
      return { event: 'batch_finished', data: { batch_id: batch + 1, succeeded, failed } };
    }
    case 'RunClaimed':
      return { event: 'node_taken', data: { ...nodeOf(event.data.run), executor: event.data.executor } };
    case 'LeaseExpired':
      return { event: 'node_lost', data: { ...nodeOf(event.data.run), executor: event.data.executor } };
    case 'RunHandedBack': {
      const { run, stillRuns } = event.data;
      if (!stillRuns) return { event: 'node_handed_back', data: nodeOf(run) };
      const { reason, lookAt } = stillRuns;
      return { event: 'node_still_held', data: { ...nodeOf(run), reason, next_look: lookAt } };
    }
    case 'HostKeyPinned':
      return { event: 'host_key_learned', data: { node_id: event.data.node } };
    case 'AttemptPlaced': {
      const { run, step, attempt, folder, memory, why } = event.data;
      return {
        event: 'step_placed',
        data: { ...nodeOf(run), ...stepOf(step), attempt, folder, memory, reason: why },
      };
    }
    case 'AttemptSucceeded':
      return { event: 'step_succeeded', data: attemptOf(event.data) };
    case 'AttemptFailed': {
      const { reason, next } = event.data;
      return { event: 'step_failed', data: { ...attemptOf(event.data), reason, next } };
    }
    case 'AttemptStopped':
      return { event: 'step_stopped', data: { ...attemptOf(event.data), reason: event.data.reason } };
    case 'RunSucceeded':
      return { event: 'node_succeeded', data: nodeOf(event.data.run) };
    case 'RunFailed': {
      const { run, step, reason } = event.data;
      return { event: 'node_failed', data: { ...nodeOf(run), ...stepOf(step), reason } };
    }
    case 'RunsHalted':
      return { event: 'nodes_halted', data: { nsids: event.data.runs.map(names.nsid) } };
    case 'RunDeferred':
      return { event: 'node_deferred', data: nodeOf(event.data.run) };
    case 'RunWaiting':
      return { event: 'node_waits', data: { ...nodeOf(event.data.run), ...stepOf(event.data.step) } };
    case 'GateOpened':
      return { event: 'wait_over', data: { nsids: event.data.runs.map(names.nsid) } };
    case 'RunDrained':
      return {
        event: 'node_released',
        data: {
          ...nodeOf(event.data.run),
          given_up: event.data.givenUp,
          ...(event.data.reason === undefined ? {} : { reason: event.data.reason }),
        },
      };
    case 'NodeReleased': {
      const { run, operator, reason } = event.data;
      return {
        event: 'node_released',
        data: { ...nodeOf(run), given_up: false, reason, opr_user: operator },
      };
    }
    case 'TaskPaused':
      return { event: 'task_paused', data: { opr_user: event.data.operator, ...reasonOf(event.data) } };
    case 'TaskStopped': {
      const { operator, nodes } = event.data;
      return {
        event: 'task_stopped',
        data: { opr_user: operator, node_ids: nodes, ...reasonOf(event.data) },
      };
    }
    case 'TaskTimedOut':
      return { event: 'task_timed_out', data: { node_ids: event.data.nodes } };
    case 'FailureBudgetExceeded': {
      const { failed, budget } = event.data;
      return { event: 'failure_budget_exceeded', data: { failed, max_fail_num: budget } };
    }
    case 'TaskFinished': {
      const { state, reason } = event.data;
      return { event: 'task_finished', data: { state, end_reason: reason } };
    }
    default:
      return event satisfies never;
  }
}

function reasonOf({ reason }: { reason?: string }): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
