import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, RunView, TaskView } from './api.js';

const STATES = ['waiting', 'running', 'done', 'FAILED', 'stopped'];
const MARKS = ['·', '▶', '✔', '✘', '■'];
const INTERVAL_MS = 200;

/**
 * Shows a task as it goes until it has ended: on a terminal a table that is drawn over, elsewhere the task's log.
 * @param options.names of the nodes by their addresses.
 * @throws when the time is up, or the signal's reason.
 */
export async function followTask(
  api: Api,
  id: number,
  options: { names: Map<string, string>; out: NodeJS.WriteStream; signal: AbortSignal; timeoutMs: number },
): Promise<TaskView> {
  const show = options.out.isTTY ? new Table(options) : new Lines(api, id, options);
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal.throwIfAborted();
    // The runs are read after the task, so that the last picture shows the end.
    const [task] = await api.data<TaskView[]>(`/task/${id}`);
    const runs = await api.data<RunView[]>(`/task/${id}/detail`);
    await show.update(runs);
    if (task && task.end_reason !== '') return task;
    if (Date.now() > deadline) throw new Error(`task ${id} has not ended in ${options.timeoutMs / 1000} s`);
    await sleep(INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** One line for a node: its batch, state, step and attempt. */
function describeRun(run: RunView, names: Map<string, string>): string {
  const current = run.steps.list?.at(-1);
  const attempt = current && current.attempts > 1 ? `, attempt ${current.attempts}` : '';
  const problem = current?.message && run.state !== 2 ? ` (${current.message})` : '';
  const step = current ? `${current.name}${attempt}${problem}` : '';
  const name = names.get(run.ip) ?? run.ip;
  return `  batch ${run.batch_id}  ${name}  ${MARKS[run.state]} ${(STATES[run.state] ?? '').padEnd(8)} ${step}`;
}

class Table {
  private drawn = 0;

  constructor(private readonly options: { names: Map<string, string>; out: NodeJS.WriteStream }) {}

  async update(runs: RunView[]): Promise<void> {
    const { out, names } = this.options;
    const lines = runs.map((run) => describeRun(run, names).slice(0, (out.columns || 100) - 1));
    const up = this.drawn > 0 ? `\x1b[${this.drawn}A` : '';
    out.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    this.drawn = lines.length;
  }
}

class Lines {
  private last = 0;

  constructor(
    private readonly api: Api,
    private readonly id: number,
    private readonly options: { names: Map<string, string>; out: NodeJS.WriteStream },
  ) {}

  async update(): Promise<void> {
    const lines = await this.api.data<{ id: number; message: string }[]>(
      `/task/${this.id}/log?after=${this.last}`,
    );
    for (const { id, message } of lines) {
      this.last = id;
      this.options.out.write(`  ${this.named(message)}\n`);
    }
  }

  private named(message: string): string {
    for (const [address, name] of this.options.names) {
      if (message.startsWith(`${address}:`)) return `${name}${message.slice(address.length)}`;
    }
    return message;
  }
}
