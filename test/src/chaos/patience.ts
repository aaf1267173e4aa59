import { waitFor } from '@rigel/testing';
import type { Answer, ApiClient, NodeRunInfo, TaskInfo } from '../support/api.js';

/** How long the system may be away for a question. */
const PATIENCE_MS = 120_000;

/** Asks, as often as it takes, while the system is being hurt. Only for what may be asked twice. */
export class Patience {
  constructor(private readonly api: ApiClient) {}

  /** The whole answer, once there is a good one. @throws Error whose cause is the last refusal. */
  async answer<Data>(path: string, body?: unknown, timeoutMs = PATIENCE_MS): Promise<Answer<Data>> {
    return waitFor(() => this.api.done<Data>(path, body), {
      what: `${path} is answered`,
      timeoutMs,
      intervalMs: 300,
    }) as Promise<Answer<Data>>;
  }

  async task(id: number): Promise<TaskInfo> {
    const { data } = await this.answer<TaskInfo[]>(`/task/${id}`);
    const [task] = data;
    if (!task) throw new Error(`task ${id} is missing from its answer`);
    return task;
  }

  async detail(id: number): Promise<NodeRunInfo[]> {
    return (await this.answer<NodeRunInfo[]>(`/task/${id}/detail`)).data;
  }

  async nodeLog(runId: number): Promise<[string, string][]> {
    const { data } = await this.answer<Record<string, string>[]>(`/task/node/${runId}/log`);
    return data.flatMap((step) => Object.entries(step));
  }

  /** All rows of a list, over all its pages. */
  async list<Row>(path: string, filter: Record<string, string> = {}): Promise<Row[]> {
    const rows: Row[] = [];
    for (let page = 1; ; page++) {
      const { data, query_count } = await this.answer<Row[]>(path, { ...filter, page, page_size: 500 });
      rows.push(...data);
      if (data.length === 0 || rows.length >= (query_count ?? 0)) return rows;
    }
  }

  /** Ids of the tasks of that name. */
  async tasksNamed(name: string): Promise<number[]> {
    const tasks = await this.list<{ id: number; task_name: string }>('/task/list', { name });
    return tasks.filter(({ task_name }) => task_name === name).map(({ id }) => id);
  }

  /**
   * Creates a task, although no answer does not mean that there is none: its name tells.
   * @returns its id.
   */
  async createTask(request: { task_name: string } & Record<string, unknown>): Promise<number> {
    return waitFor(
      async () => {
        const answer = await this.api.call('/task/create', request).catch(() => undefined);
        return answer?.code === 0 ? answer.taskIds[0] : (await this.tasksNamed(request.task_name))[0];
      },
      { what: `task ${request.task_name} is created`, timeoutMs: PATIENCE_MS, intervalMs: 300 },
    );
  }

  async stopTask(id: number): Promise<void> {
    await waitFor(
      async () => {
        const answer = await this.api.call(`/task/stop/${id}`);
        // Stopped by an earlier call whose answer got lost.
        return answer.code === 0 || (await this.task(id)).end_reason === 'stopped';
      },
      { what: `task ${id} is stopped`, timeoutMs: PATIENCE_MS, intervalMs: 300 },
    );
  }
}
