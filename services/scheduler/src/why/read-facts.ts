import { NODES_EXPLAINED } from '@rigel/contracts';
import { readOfTypes } from '@rigel/event-store';
import { type Kysely, sql } from 'kysely';
import { readHoldingTasks } from '../store/holders.js';
import { streamOf, type TaskEvent, taskEventTypes } from '../task/events.js';
import type { TaskState } from '../task/state.js';
import type { LiveFacts } from './facts.js';

type Control = 'TaskPaused' | 'TaskStopped' | 'FailureBudgetExceeded';
const CONTROLS: Control[] = ['TaskPaused', 'TaskStopped', 'FailureBudgetExceeded'];
const OUTPUT_LINES = 5;
const OUTPUT_CHARACTERS = 600;
const OUTPUT_BYTES = 8_192;

/**
 * Reads what is recorded of a task beside its state, for its explanation.
 * @param runId a run that is explained beside the first ones.
 */
export async function readWhyFacts(
  db: Kysely<unknown>,
  task: TaskState,
  runId?: number,
): Promise<Pick<LiveFacts, 'lastControl' | 'heldByOthers' | 'lastOutput'>> {
  const failed = task.runs.filter(({ phase, verdict }) => phase === 'ended' && verdict === 'failed');
  const [lastControl, heldByOthers, lastOutput] = await Promise.all([
    readLastControl(db, task.id),
    readHolders(
      db,
      task.id,
      failed.map(({ node }) => node),
    ),
    readLastOutput(
      db,
      runId === undefined ? failed.slice(0, NODES_EXPLAINED) : failed.filter(({ id }) => id === runId),
    ),
  ]);
  return { lastControl, heldByOthers, lastOutput };
}

async function readLastControl(db: Kysely<unknown>, taskId: number): Promise<LiveFacts['lastControl']> {
  const events = await readOfTypes<TaskEvent, Control>(db, taskEventTypes, streamOf(taskId), CONTROLS);
  const last = events.at(-1);
  return last && { event: last as TaskEvent, at: last.recordedAt };
}

async function readHolders(
  db: Kysely<unknown>,
  taskId: number,
  nodes: readonly number[],
): Promise<LiveFacts['heldByOthers']> {
  const others = (await readHoldingTasks(db, nodes)).filter(({ held_by }) => held_by.task_id !== taskId);
  return new Map(others.flatMap(({ node_ids, held_by }) => node_ids.map((node) => [node, held_by])));
}

async function readLastOutput(
  db: Kysely<unknown>,
  runs: readonly { id: number; step: number; steps: readonly { attempts: number }[] }[],
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const { id, step, steps } of runs) {
    const { rows } = await sql<{ data: Buffer }>`
      SELECT data FROM attempt_output
      WHERE run_id = ${id} AND step = ${step} AND attempt = ${steps[step]?.attempts ?? 0}
      ORDER BY start_byte DESC LIMIT 1`.execute(db);
    const text = lastLines(rows[0]?.data);
    if (text !== '') found.set(id, text);
  }
  return found;
}

function lastLines(data: Buffer | undefined): string {
  if (!data) return '';
  const lines = data.subarray(-OUTPUT_BYTES).toString('utf8').trimEnd().split('\n');
  return lines.slice(-OUTPUT_LINES).join('\n').slice(-OUTPUT_CHARACTERS);
}
