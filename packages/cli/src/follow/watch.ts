import type { FailureGroup, TaskGrid, TaskInfo } from '@rigel/api-client';
import { unwrap } from '@rigel/api-client';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import type { FullScreen } from '../io.js';
import { cut, plain } from '../output/screen.js';
import { duration } from '../output/times.js';
import { gridPicture, legend, type Style } from './grid-picture.js';
import { patiently, progressLine, RUN_STATES, stateOf } from './wait.js';

const LOOK_MS = 1_000;
/** Wider pictures are harder to read: a node has the same place on wide terminals. */
const WIDEST = 100;
const MOST_FAILURES = 5;
const MOST_BATCHES = 3;

const WORDS = {
  en: {
    states: RUN_STATES,
    batch: 'batch',
    each: (count: number) => `${count} nodes in each place`,
    keys: 'q leaves, the task goes on  a all  g nodes  b batches  f failures  l letters',
    none: 'nothing has failed',
  },
  zh: {
    states: ['等待', '执行中', '成功', '失败', '中止'],
    batch: '批次',
    each: (count: number) => `每格 ${count} 个节点`,
    keys: 'q 离开（任务继续）  a 全部  g 节点  b 批次  f 失败  l 字母',
    none: '没有失败',
  },
} as const;

type View = 'a' | 'g' | 'b' | 'f';

/** What the screen shows. Its size is that of the task: a byte and a batch for each node, a few failures. */
export interface Watched {
  task: TaskInfo;
  states: Uint8Array;
  /** Ranges [batch, count], for one node after the other. */
  batches: readonly (readonly number[])[];
  failures: readonly FailureGroup[];
  /** What went wrong with the last look. */
  trouble: string;
}

/** Each batch with the number of its nodes in each state. */
function batchLines(
  { states, batches, task }: Watched,
  room: number,
  words: { batch: string; states: readonly string[] },
): string[] {
  const counts = new Map<number, number[]>();
  let at = 0;
  for (const [batch = 0, count = 0] of batches) {
    let stat = counts.get(batch);
    if (!stat) {
      stat = [0, 0, 0, 0, 0];
      counts.set(batch, stat);
    }
    for (const end = at + count; at < end; at++) (stat[states[at] as number] as number)++;
  }
  // Those around the one that is at work.
  const first = Math.max(1, Math.min(task.batch - 1, counts.size - room + 1));
  return [...counts]
    .sort(([one], [other]) => one - other)
    .filter(([batch]) => batch >= first && batch < first + room)
    .map(([batch, [waits = 0, running = 0, done = 0, failed = 0, halted = 0]]) => {
      const parts = [
        [done, 2],
        [running, 1],
        [failed, 3],
        [waits, 0],
        [halted, 4],
      ].flatMap(([count = 0, state = 0]) => (count > 0 ? [`${count} ${words.states[state]}`] : []));
      return `  ${batch === task.batch ? '>' : ' '} ${words.batch} ${batch}: ${parts.join(', ')}`;
    });
}

const failureLines = (failures: readonly FailureGroup[], room: number): string[] =>
  failures.slice(0, room).map(
    ({ count, step, reason, nodes }) =>
      `  ${String(count).padStart(4)}  ${plain(step)}  ${plain(reason)}  ${nodes
        .slice(0, 2)
        .map(({ ip }) => plain(ip))
        .join(' ')}${count > 2 ? ' …' : ''}`,
  );

/** The lines of the screen, as many as fit. */
export function screenLines(
  watched: Watched,
  { columns, rows }: { columns: number; rows: number },
  { view, style, ascii, language }: { view: View; style: Style; ascii: boolean; language: 'en' | 'zh' },
): string[] {
  const words = WORDS[language];
  const { task, states } = watched;
  const counts = [0, 0, 0, 0, 0];
  for (const state of states) (counts[state] as number)++;
  const short = (line: string): string => cut(line, columns);
  const head = [
    short(`${task.id} ${plain(task.task_name)}  ${stateOf(task)}  ${plain(task.pool_name)}`),
    short(progressLine(task, ascii)),
    columns >= 80 ? legend(counts, words.states, style) : '',
  ];
  const foot = [short(watched.trouble === '' ? words.keys : plain(watched.trouble))];
  const room = Math.max(0, rows - head.length - foot.length - 1);
  const failures = watched.failures;
  const failureRoom = view === 'f' ? room : view === 'a' ? Math.min(failures.length, MOST_FAILURES) : 0;
  const batchRoom =
    view === 'b' ? room : view === 'a' && task.batches > 1 ? Math.min(task.batches, MOST_BATCHES) : 0;
  const body: string[] = [];
  if (view === 'a' || view === 'g') {
    const gridRows = Math.max(0, room - failureRoom - batchRoom - (failureRoom + batchRoom > 0 ? 1 : 0));
    if (gridRows > 0) {
      // A line less: it says how many nodes share a place.
      const all = gridPicture(states, Math.min(columns, WIDEST), gridRows, style);
      const picture =
        all.each === 1 || gridRows === 1
          ? all
          : gridPicture(states, Math.min(columns, WIDEST), gridRows - 1, style);
      body.push(...picture.lines.slice(0, gridRows));
      if (picture.each > 1 && gridRows > 1) body.push(words.each(picture.each));
    }
    if (failureRoom + batchRoom > 0) body.push('');
  }
  body.push(...batchLines(watched, batchRoom, words).map(short));
  body.push(...failureLines(failures, failureRoom).map(short));
  if (view === 'f' && failures.length === 0) body.push(words.none);
  return [...head, '', ...body.slice(0, room), ...foot];
}

/** The states of all nodes, kept current by what has changed. */
class Grid {
  states = new Uint8Array(0);
  batches: readonly (readonly number[])[] = [];
  private cursor: string | undefined;

  async look({ api }: Invocation, id: number): Promise<void> {
    const query = this.cursor === undefined ? {} : { after: this.cursor };
    const grid = (await unwrap(
      api().GET('/task/{id}/grid', { params: { path: { id }, query } }),
    )) as TaskGrid;
    if (grid.whole) {
      this.states = Uint8Array.from(grid.whole.state, Number);
      this.batches = grid.whole.batch;
    }
    for (const [at = 0, state = 0] of grid.changes ?? [])
      if (at < this.states.length) this.states[at] = state;
    this.cursor = grid.cursor;
  }
}

/** Draws frames, and only what differs from the last one. */
class Drawing {
  private last = '';

  constructor(private readonly screen: FullScreen) {}

  draw(lines: readonly string[]): void {
    const text = `\x1b[H${lines.map((line) => `${line}\x1b[0m\x1b[K`).join('\r\n')}\x1b[J`;
    if (text === this.last) return;
    this.last = text;
    this.screen.write(text);
  }

  /** The terminal has another size: nothing of the last frame is where it was. */
  again(): void {
    this.last = '';
  }
}

/**
 * Shows a task on the whole terminal until it has ended or halted: its nodes, batches and failures. No key changes
 * anything but what is shown.
 * @returns the task as it is at its end; undefined: the person left.
 * @throws CommandError `timeout` or `interrupted`; the task goes on.
 */
export async function watchTask(
  invocation: Invocation,
  screen: FullScreen,
  id: number,
  timeoutMs: number,
): Promise<TaskInfo | undefined> {
  const { io, flags, signal, language } = invocation;
  const until = io.now() + timeoutMs;
  const hasColours = io.env.NO_COLOR === undefined || io.env.NO_COLOR === '';
  const style: Style = { letters: flags.ascii || !hasColours, colour: hasColours };
  let view: View = 'a';
  let isLeft = false;
  const keys = new AbortController();
  const over = AbortSignal.any([signal, keys.signal]);
  const drawing = new Drawing(screen);
  const grid = new Grid();
  let watched: Watched | undefined;
  let trouble = '';
  const draw = (): void => {
    if (!watched) return;
    drawing.draw(
      screenLines({ ...watched, trouble }, screen.size(), { view, style, ascii: flags.ascii, language }),
    );
  };
  const quiet: Invocation = {
    ...invocation,
    signal: over,
    note: (line) => {
      trouble = line;
      draw();
    },
  };
  const leave = screen.enter({
    key: (key) => {
      if (key === 'q' || key === '\x03') {
        isLeft = key === 'q';
        keys.abort();
      } else if (key === 'a' || key === 'g' || key === 'b' || key === 'f') view = key;
      else if (key === 'l' && hasColours && !flags.ascii) style.letters = !style.letters;
      draw();
    },
    resize: () => {
      drawing.again();
      draw();
    },
  });
  const goesOn = `task ${id} goes on: rigel task watch ${id} follows it, rigel task stop ${id} ends it`;
  try {
    let failures: readonly FailureGroup[] = [];
    let failed = 0;
    for (;;) {
      const task = await patiently(quiet, until, async () => {
        const now = (await unwrap(
          invocation.api().GET('/task/{id}', { params: { path: { id } } }),
        )) as TaskInfo;
        await grid.look(invocation, id);
        if (now.failed !== failed) {
          const query = { limit: 20 };
          const found = await unwrap(
            invocation.api().GET('/task/{id}/failures', { params: { path: { id }, query } }),
          );
          failures = (found as { rows: FailureGroup[] }).rows;
          failed = now.failed;
        }
        return now;
      });
      trouble = '';
      watched = { task, states: grid.states, batches: grid.batches, failures, trouble };
      draw();
      const isOver = task.end_reason !== '' && (task.commands_alive ?? 0) === 0;
      if (isOver || (task.end_reason === '' && task.state === 4)) return task;
      if (over.aborted) break;
      if (io.now() + LOOK_MS > until)
        throw new CommandError(`after ${duration(timeoutMs)} ${goesOn}`, EXIT.timeout);
      await io.sleep(LOOK_MS, over);
      if (over.aborted) break;
    }
  } catch (error) {
    if (!over.aborted) throw error;
  } finally {
    leave();
  }
  if (!isLeft) throw new CommandError(goesOn, EXIT.interrupted);
  invocation.note(goesOn);
  return undefined;
}
