import { setTimeout as sleep } from 'node:timers/promises';
import type { Api, RunView, TaskView } from './api.js';

const STATES = ['waiting', 'running', 'done', 'FAILED', 'stopped'];
const MARKS = ['·', '▶', '✔', '✘', '■'];
const INTERVAL_MS = 200;
/** Lines of a task's log that only say that all goes well. */
const USUAL =
  / attempt \d+ (started by \S+|succeeded in \S+ s)$|: (SSH host key learned|has machine)|^(task \S+ created|task started)/;

export interface FollowOptions {
  out: NodeJS.WriteStream;
  /** Aborted to give up. */
  signal: AbortSignal;
  timeoutMs: number;
  /** A line below the nodes, if there is a terminal. */
  footer?: (() => string) | undefined;
}

/**
 * Shows a task until it has ended: on a terminal as a table that is drawn again and again, elsewhere as the notable lines of the
 * task's log.
 * @throws if the time is up, or with the signal's reason.
 */
export async function followTask(api: Api, id: number, options: FollowOptions): Promise<TaskView> {
  const show = options.out.isTTY ? new Table(options) : new Lines(api, id, options.out);
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal.throwIfAborted();
    // The runs are read after the task, so that the last picture shows the end.
    const [task] = await api.data<TaskView[]>(`/task/${id}`);
    await show.update(await api.data<RunView[]>(`/task/${id}/detail`));
    if (task && task.end_reason !== '') return task;
    if (Date.now() > deadline) throw new Error(`task ${id} has not ended in ${options.timeoutMs / 1000} s`);
    await sleep(INTERVAL_MS, undefined, { signal: options.signal });
  }
}

/** One line for a node: its batch, state, step and attempt. */
function describeRun(run: RunView): string {
  const current = run.steps.list?.at(-1);
  const attempt = current && current.attempts > 1 ? `, attempt ${current.attempts}` : '';
  const problem = current?.message && run.state !== 2 ? ` (${current.message})` : '';
  const step = current && run.state !== 2 ? `${current.name}${attempt}${problem}` : '';
  const address = run.ip === '-' ? 'new machine' : run.ip;
  const state = `${MARKS[run.state]} ${STATES[run.state] ?? ''}`.padEnd(10);
  return `  batch ${run.batch_id}  ${address.padEnd(21)}  ${state} ${step}`.trimEnd();
}

class Table {
  private drawn = 0;

  constructor(private readonly options: Pick<FollowOptions, 'out' | 'footer'>) {}

  async update(runs: RunView[]): Promise<void> {
    const { out, footer } = this.options;
    const lines = [...runs.map(describeRun), ...(footer ? [`  ${footer()}`] : [])];
    const width = (out.columns || 100) - 1;
    const up = this.drawn > 0 ? `\x1b[${this.drawn}A` : '';
    out.write(`${up}${lines.map((line) => `\x1b[2K${line.slice(0, width)}\n`).join('')}`);
    this.drawn = lines.length;
  }
}

class Lines {
  private last = 0;

  constructor(
    private readonly api: Api,
    private readonly id: number,
    private readonly out: NodeJS.WriteStream,
  ) {}

  async update(): Promise<void> {
    const lines = await this.api.data<{ id: number; message: string }[]>(
      `/task/${this.id}/log?after=${this.last}`,
    );
    for (const { id, message } of lines) {
      this.last = id;
      if (!USUAL.test(message)) this.out.write(`  ${message}\n`);
    }
  }
}
