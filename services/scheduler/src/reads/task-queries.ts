import {
  type findRuns,
  type findTasks,
  type HeldBy,
  type live,
  type NodeRun,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  type Task,
  type TaskDetail,
  type taskBatches,
  type taskFailures,
  type taskGrid,
  type tasks,
} from '@rigel/contracts';
import { contains, prepared, readPage } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import { readHoldingTasks } from '../store/holders.js';
import { run } from '../store/sql/statement.js';
import { HOST_KEYS } from '../store/sql/tasks.js';
import type { RunTable, Tables, TaskTable } from '../store/tables.js';
import type { TaskStore } from '../store/task-store.js';
import { renderLog, versionOfLogId } from '../task/log.js';
import { readRuns } from './find-runs.js';
import { readTasks } from './find-tasks.js';
import { nodeLog } from './node-log.js';
import { holdingTasksOf, nodesHeldBy, runsOfNode } from './pool-tasks.js';
import { readRunOutput } from './run-output.js';
import { readBatches } from './task-batches.js';
import { readDetails } from './task-details.js';
import { readTaskEvents } from './task-events.js';
import { readFailures } from './task-failures.js';
import { readGrid } from './task-grid.js';
import { toTasks } from './task-row.js';

/** What everybody asks who waits for a task. */
const TASK = prepared(`
  SELECT id, name, template_id, template_name, pool_id, pool_name, options, batch_size, operator, flow_type, state, end_reason,
    stat, ignored, active, version, created_at, updated_at, started_at, ended_at, deadline, batch, budget
  FROM tasks WHERE id = $1`);

function toNodeRun(row: RunTable, task: TaskTable, held_by: HeldBy | undefined): NodeRun {
  return {
    id: row.id,
    node_id: row.node_id,
    ip: row.ip,
    vm_id: row.vm_id,
    pool_name: task.pool_name,
    batch_id: row.batch + 1,
    state: row.state,
    step_index: row.steps.length === 0 ? -1 : Math.min(row.step, task.options.length - 1),
    steps: row.steps.map(({ state, attempts, message, note }, index) => ({
      name: task.options[index]?.name ?? '',
      state,
      attempts,
      message: [message, note ?? ''].filter((text) => text !== '').join('; '),
    })),
    created: row.created_at,
    updated: row.updated_at,
    ...(held_by ? { held_by } : {}),
  };
}

/** Reads for the API, from the read tables and the event stream. */
export class TaskQueries {
  constructor(
    private readonly db: Kysely<Tables>,
    private readonly store: TaskStore,
    /** Milliseconds since 1970. */
    private readonly now: () => number,
  ) {}

  async list({ name, ...page }: RpcRequest<typeof tasks.list>): Promise<RpcResponse<typeof tasks.list>> {
    const query = this.db.selectFrom('tasks').selectAll().where(contains('name', name)).orderBy('id', 'desc');
    const { rows, total } = await readPage(query, page);
    return { rows: await toTasks(this.db, rows), total };
  }

  async get(id: number): Promise<TaskDetail> {
    const row = await this.taskRow(id);
    return { ...(await this.toTask(row)), details: await readDetails(this.db, row) };
  }

  /** The task, and whether its run is over: nothing of it is at work on any node. */
  async outcome(id: number): Promise<RpcResponse<typeof tasks.awaitEnd>> {
    const row = await this.taskRow(id);
    return { task: await this.toTask(row), over: !row.active };
  }

  async detail(id: number): Promise<{ rows: NodeRun[] }> {
    const task = await this.taskRow(id);
    const runs = await this.db
      .selectFrom('runs')
      .selectAll()
      .where('task_id', '=', id)
      .orderBy('index')
      .execute();
    const holders = await readHoldingTasks(
      this.db as unknown as Kysely<unknown>,
      runs.map(({ node_id }) => node_id),
    );
    const heldBy = new Map(
      holders.flatMap(({ node_ids, held_by }) => node_ids.map((node) => [node, held_by])),
    );
    return { rows: runs.map((run) => toNodeRun(run, task, heldBy.get(run.node_id))) };
  }

  async holders({
    node_ids,
    host_keys,
  }: RpcRequest<typeof tasks.holders>): Promise<RpcResponse<typeof tasks.holders>> {
    const holders = await readHoldingTasks(this.db as unknown as Kysely<unknown>, node_ids);
    if (!host_keys) return { holders };
    const keys = await run(this.db as unknown as Kysely<unknown>, HOST_KEYS, { nodes: node_ids });
    return { holders, host_keys: keys.map(({ node_id, host_key }) => ({ node_id, host_key })) };
  }

  heldNodes(task: number): Promise<number[]> {
    return nodesHeldBy(this.db, task);
  }

  async ofPool({
    pool_id,
    limit,
  }: RpcRequest<typeof tasks.ofPool>): Promise<RpcResponse<typeof tasks.ofPool>> {
    const rows = await this.db
      .selectFrom('tasks')
      .selectAll()
      .where('pool_id', '=', pool_id)
      .orderBy('pool_id', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return { tasks: await toTasks(this.db, rows), holding: await holdingTasksOf(this.db, pool_id) };
  }

  runsOfNode(request: RpcRequest<typeof tasks.runsOfNode>): Promise<RpcResponse<typeof tasks.runsOfNode>> {
    return runsOfNode(this.db, request);
  }

  async log({ id, after }: RpcRequest<typeof tasks.log>): Promise<RpcResponse<typeof tasks.log>> {
    const events = await this.store.events(id);
    if (events.length === 0) throw noSuch('task', id, `there is no task ${id}`);
    if (events.length < versionOfLogId(after)) return { lines: [] };
    return { lines: renderLog(id, events, after) };
  }

  async nodeLog(runId: number): Promise<RpcResponse<typeof tasks.nodeLog>> {
    const run = await this.db.selectFrom('runs').selectAll().where('id', '=', runId).executeTakeFirst();
    if (!run) throw noSuch('node_run', runId, `there is no node run ${runId}`);
    const task = await this.taskRow(run.task_id);
    return { steps: await nodeLog(this.db, run, task) };
  }

  events(request: RpcRequest<typeof live.taskEvents>): Promise<RpcResponse<typeof live.taskEvents>> {
    return readTaskEvents(this.db, request);
  }

  output(request: RpcRequest<typeof live.runOutput>): Promise<RpcResponse<typeof live.runOutput>> {
    return readRunOutput(this.db, request);
  }

  find(request: RpcRequest<typeof findTasks>): Promise<RpcResponse<typeof findTasks>> {
    return readTasks(this.db, request, this.now());
  }

  grid(request: RpcRequest<typeof taskGrid>): Promise<RpcResponse<typeof taskGrid>> {
    return readGrid(this.db as unknown as Kysely<unknown>, request);
  }

  runs(request: RpcRequest<typeof findRuns>): Promise<RpcResponse<typeof findRuns>> {
    return readRuns(this.db, request);
  }

  batches(request: RpcRequest<typeof taskBatches>): Promise<RpcResponse<typeof taskBatches>> {
    return readBatches(this.db, request);
  }

  failures(request: RpcRequest<typeof taskFailures>): Promise<RpcResponse<typeof taskFailures>> {
    return readFailures(this.db, request);
  }

  private async toTask(row: TaskTable): Promise<Task> {
    const [task] = await toTasks(this.db, [row]);
    return task as Task;
  }

  private async taskRow(id: number): Promise<TaskTable> {
    const { rows } = await this.db.executeQuery<TaskTable>(CompiledQuery.raw(TASK, [id]));
    const [row] = rows;
    if (!row) throw noSuch('task', id, `there is no task ${id}`);
    return row;
  }
}
