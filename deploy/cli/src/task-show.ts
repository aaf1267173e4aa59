import type { RecordedEvent } from '@rigel/event-store';
import { type PastTask, type TaskEvent, taskAt } from '@rigel/scheduler/maintenance';
import { withDatabases } from './databases.js';
import { readMoment } from './moment.js';
import type { Output } from './output.js';
import { table } from './table.js';
import { UsageError } from './usage-error.js';

const RECENT = 10;
/** Characters of an event's data that are shown. */
const DATA_WIDTH = 100;

/** Shows a task as it was. @throws UsageError when there was no such task then. */
export async function showTask(
  { id, at, json }: { id: number; at: string | undefined; json: boolean },
  env: NodeJS.ProcessEnv,
  { out }: Output,
): Promise<number> {
  const moment = readMoment(at);
  const past = await withDatabases(env, async (open) =>
    taskAt(await open('scheduler'), id, moment, RECENT).catch((error: unknown) => {
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    }),
  );
  const lines = json ? JSON.stringify(past, undefined, 2).split('\n') : describe(past);
  for (const line of lines) out(line);
  return 0;
}

/** The verdict of a run that has one, otherwise its phase. */
function phaseOf({ phase, verdict }: PastTask['task']['runs'][number]): string {
  return verdict === null ? phase : `${verdict}${phase === 'draining' ? ', draining' : ''}`;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function describe({ task, events, versions }: PastTask): string[] {
  const { created } = task;
  const counts = Object.entries(task.counts)
    .map(([standing, count]) => `${count} ${standing}`)
    .join(', ');
  const batch = task.batch < 0 ? 'none begun' : `${task.batch + 1}${task.batchActive ? '' : ' (finished)'}`;
  return [
    `task ${task.id} ${created.name}: version ${task.version} of ${versions}, ${iso(task.updatedAt)}`,
    `  status    ${task.status}${task.endReason ? ` (${task.endReason})` : ''}`,
    `  template  ${created.template.name}, steps ${created.steps.map(({ name }) => name).join(', ')}`,
    `  pool      ${created.pool.name}`,
    `  created   ${iso(task.createdAt)} by ${created.operator}`,
    ...(task.deadline === null ? [] : [`  deadline  ${iso(task.deadline)}`]),
    `  batch     ${batch} of ${task.batches}, up to ${created.batchSize} nodes each`,
    `  nodes     ${counts}`,
    '',
    ...table(
      ['run', 'node', 'batch', 'state', 'step', 'attempt', 'held by', 'message'],
      task.runs.map((run) => [
        String(run.id),
        run.ip,
        String(run.batch + 1),
        phaseOf(run),
        created.steps[run.step]?.name ?? 'all done',
        String(run.attempt),
        run.holder ?? '',
        run.steps.at(-1)?.message ?? '',
      ]),
    ),
    '',
    'the last events',
    ...events.map(describeEvent),
  ];
}

function describeEvent({ version, recordedAt, type, data, meta }: RecordedEvent<TaskEvent>): string {
  const text = JSON.stringify(data);
  const shown = text.length > DATA_WIDTH ? `${text.slice(0, DATA_WIDTH)}…` : text;
  return `  ${String(version).padStart(6)}  ${iso(recordedAt)}  ${type.padEnd(21)}  ${meta.actor}  ${shown}`;
}
