import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { RecordedEvent } from '@rigel/event-store';
import { parseRecording } from '@rigel/event-store/maintenance';
import { REPOSITORY_DIR } from '@rigel/local';
import type { TaskEvent } from '@rigel/scheduler';
import t from 'tap';

/*
 * The window in every recorded run: at no time are more nodes of a task being worked on than a batch has, nor nodes of two
 * batches. Counted from the events alone, without the code that decides or folds them.
 */

const RECORDINGS = join(REPOSITORY_DIR, 'services', 'scheduler', 'recordings');

/** Nodes that are out of service: taken by an executor, and neither through all steps nor given up. */
class Window {
  private size = 0;
  readonly working = new Set<number>();
  /** The most there were at once. */
  most = 0;
  readonly batchesAtOnce: number[][] = [];

  apply({ type, data }: TaskEvent): void {
    switch (type) {
      case 'TaskCreated':
        this.size = data.batchSize;
        return;
      case 'RunClaimed':
        this.working.add(data.run);
        break;
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunDeferred':
        this.working.delete(data.run);
        break;
      case 'RunsHalted':
        for (const run of data.runs) this.working.delete(run);
        break;
      case 'TaskStopped':
      case 'TaskTimedOut':
        this.working.clear();
        break;
      default:
        return;
    }
    this.most = Math.max(this.most, this.working.size);
    const batches = new Set([...this.working].map((run) => Math.floor(run / this.size)));
    if (batches.size > 1) this.batchesAtOnce.push([...batches]);
  }

  get allowed(): number {
    return this.size;
  }
}

const files = readdirSync(RECORDINGS).flatMap((release) =>
  readdirSync(join(RECORDINGS, release))
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => join(RECORDINGS, release, file)),
);

t.test('no recorded run has more nodes out of service than its batch allows', async (t) => {
  const windows = new Map<string, Window>();
  for (const file of files) {
    for (const event of parseRecording(readFileSync(file, 'utf8')) as (RecordedEvent & TaskEvent)[]) {
      if (!event.stream.startsWith('task-')) continue;
      const key = `${relative(RECORDINGS, file)} ${event.stream}`;
      const window = windows.get(key) ?? new Window();
      windows.set(key, window);
      window.apply(event);
    }
  }
  t.ok(windows.size > 5, `${windows.size} tasks are on record`);
  t.ok(
    [...windows.values()].some(({ most }) => most > 1),
    'some work on several nodes at once',
  );
  for (const [task, { most, allowed, batchesAtOnce }] of windows) {
    t.ok(most <= allowed, `${task}: ${most} of ${allowed}`);
    t.same(batchesAtOnce, [], `${task}: one batch at a time`);
  }
});
