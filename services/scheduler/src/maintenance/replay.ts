import { type RecordedEvent, readByStream } from '@rigel/event-store';
import type { Difference, Progress } from '@rigel/event-store/maintenance';
import { CompiledQuery, type Transaction } from 'kysely';
import { schedulerEventTypes } from '../event-types.js';
import { isScheduleStream, type ScheduleEvent, scheduleIdOf } from '../schedule/events.js';
import { projectSchedules } from '../schedule/projection.js';
import { evolveSchedule, type ScheduleState } from '../schedule/state.js';
import { insertTasks } from '../store/sql/insert-tasks.js';
import { type TaskEvent, taskIdOf } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import { heldNodes } from '../task/projection.js';
import type { TaskState } from '../task/state.js';
import { addPins, createPins, insertHostKeys, type Pin } from './host-keys.js';

const CHUNK = 5_000;
/** Runs of the tasks that are written together. */
const WRITTEN_RUNS = 5_000;

/** Folds one stream after the other and writes what comes out into the copies of the read tables. */
export async function replayStreams(
  trx: Transaction<unknown>,
  { broken, progress }: { broken: ReadonlySet<string>; progress: Progress },
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const folded: TaskState[] = [];
  let stream = '';
  let task: TaskState | undefined;
  let schedule: ScheduleState | undefined;
  let skipped = true;
  let count = 0;
  await createPins(trx, { keep: false });

  const write = async (): Promise<void> => {
    await insertTasks(trx, folded);
    await insertHolds(trx, folded);
    folded.length = 0;
  };
  const finishStream = async (): Promise<void> => {
    if (task && !skipped) folded.push(task);
    if (folded.reduce((runs, { runs: more }) => runs + more.length, 0) >= WRITTEN_RUNS) await write();
  };
  for (let last = { stream: '', version: 0 }; ; ) {
    const events = await readByStream(trx, schedulerEventTypes, last, CHUNK);
    const pins: Pin[] = [];
    const ofSchedules: RecordedEvent<ScheduleEvent>[] = [];
    for (const event of events) {
      if (event.type === 'HostKeyPinned') {
        const { node, hostKey } = event.data as Extract<TaskEvent, { type: 'HostKeyPinned' }>['data'];
        pins.push({ node_id: node, host_key: hostKey, position: event.position });
      }
      if (event.stream !== stream) {
        await finishStream();
        stream = event.stream;
        task = undefined;
        schedule = undefined;
        skipped = broken.has(stream);
      }
      if (skipped) continue;
      try {
        if (isScheduleStream(stream)) {
          schedule = evolveSchedule(schedule, event as ScheduleEvent, scheduleIdOf(stream));
          ofSchedules.push(event as RecordedEvent<ScheduleEvent>);
        } else task = evolve(task, event as TaskEvent, taskIdOf(stream), event.recordedAt);
      } catch (error) {
        skipped = true;
        const message = `events: ${stream} cannot be folded at version ${event.version}: ${(error as Error).message}`;
        differences.push({ kind: 'history', stream, message });
      }
    }
    await addPins(trx, pins);
    await projectSchedules(trx, ofSchedules);
    count += events.length;
    progress(count);
    const end = events.at(-1);
    if (!end || events.length < CHUNK) break;
    last = { stream: end.stream, version: end.version };
  }
  await finishStream();
  await write();
  await insertHostKeys(trx);
  return differences;
}

async function insertHolds(trx: Transaction<unknown>, tasks: readonly TaskState[]): Promise<void> {
  const holds = tasks.flatMap((task) => heldNodes(task).map((node_id) => ({ node_id, task_id: task.id })));
  await trx.executeQuery(
    CompiledQuery.raw(
      `INSERT INTO node_holds (node_id, task_id)
       SELECT h.* FROM json_to_recordset($1::json) AS h(node_id bigint, task_id bigint)`,
      [JSON.stringify(holds)],
    ),
  );
}
