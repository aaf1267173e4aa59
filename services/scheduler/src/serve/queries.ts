import { findRuns, findTasks, live, taskBatches, taskFailures, taskGrid, tasks } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import type { TaskQueries } from '../reads/task-queries.js';

/** Serves what only reads; any replica answers it. */
export function serveQueries(operations: Operations, queries: TaskQueries): void {
  operations.serve(tasks.list, (request) => queries.list(request));
  operations.serve(tasks.get, ({ id }) => queries.get(id));
  operations.serve(tasks.detail, ({ id }) => queries.detail(id));
  operations.serve(tasks.log, (request) => queries.log(request));
  operations.serve(tasks.nodeLog, ({ id }) => queries.nodeLog(id));
  operations.serve(findTasks, (request) => queries.find(request));
  operations.serve(taskGrid, (request) => queries.grid(request));
  operations.serve(findRuns, (request) => queries.runs(request));
  operations.serve(taskBatches, (request) => queries.batches(request));
  operations.serve(taskFailures, (request) => queries.failures(request));
  operations.serve(tasks.holders, (request) => queries.holders(request));
  operations.serve(tasks.heldNodes, async ({ task_id }) => ({ node_ids: await queries.heldNodes(task_id) }));
  operations.serve(tasks.ofPool, (request) => queries.ofPool(request));
  operations.serve(tasks.runsOfNode, (request) => queries.runsOfNode(request));
  operations.serve(live.taskEvents, (request) => queries.events(request));
  operations.serve(live.runOutput, (request) => queries.output(request));
}
