import type { AttemptOutput, RunAccount, RunStep } from '@rigel/contracts';
import { noSuch } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { NUMBER } from '../../task/phase.js';
import { stateOf } from '../../task/projection.js';
import type { TaskState } from '../../task/state.js';
import { nothingYet, type RunSoFar, tellOn } from './account.js';
import { type RunPlace, readRunEvents, readRunPlace } from './run-history.js';

/** Runs whose events are kept folded: those that people look at now. */
const KEPT = 200;

interface Kept {
  place: RunPlace;
  so: RunSoFar;
}

/**
 * Accounts of node runs: steps, attempts, leases and output. What was folded of a run is kept, so that a page that asks
 * again and again has only the new events read.
 */
export class RunAccounts {
  private readonly kept = new Map<number, Promise<Kept>>();

  constructor(private readonly db: Kysely<unknown>) {}

  /** @throws noSuch `not_found` */
  async account(id: number): Promise<RunAccount> {
    const { place, so } = await this.fold(id);
    const { task } = so;
    if (!task) throw noSuch('node_run', id, `node run ${id} has no history`);
    // What is folded may be folded on while the output is read.
    const attempts = structuredClone(so.attempts);
    const about = aboutRun(task, place, so.version);
    const output = await readOutputs(this.db, id);
    const steps = task.created.steps.map(({ name }, index): RunStep => {
      const record = about.records[index];
      return {
        name,
        state: NUMBER[record?.standing ?? 'waiting'],
        message: [record?.message ?? '', record?.note ?? ''].filter((text) => text !== '').join('; '),
        attempts: attempts
          .filter(({ step }) => step === index)
          .map(({ step, ...attempt }) => ({
            ...attempt,
            output: output.get(`${step}/${attempt.attempt}`) ?? { bytes: 0, stored: 0, dropped: 0 },
          })),
      };
    });
    return { ...about.fields, steps };
  }

  private async fold(id: number): Promise<Kept> {
    const known = this.kept.get(id);
    const next = this.goOn(id, known);
    this.kept.delete(id);
    this.kept.set(id, next);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT && oldest !== undefined) this.kept.delete(oldest);
    try {
      return await next;
    } catch (error) {
      if (this.kept.get(id) === next) this.kept.delete(id);
      throw error;
    }
  }

  /** One after the other: each goes on where the one before it came to. */
  private async goOn(id: number, known: Promise<Kept> | undefined): Promise<Kept> {
    const before = await known?.catch(() => undefined);
    const kept = before ?? { place: await readRunPlace(this.db, id), so: nothingYet() };
    tellOn(kept.so, await readRunEvents(this.db, kept.place, kept.so.version), kept.place.task_id);
    return kept;
  }
}

function aboutRun(task: TaskState, place: RunPlace, version: number) {
  const run = task.runs[0] as TaskState['runs'][number];
  const { created } = task;
  return {
    records: run.steps.map((record) => ({ ...record })),
    fields: {
      id: run.id,
      task_id: place.task_id,
      task_name: created.name,
      pool_name: created.pool.name,
      node_id: run.node,
      ip: run.ip,
      vm_id: run.vm,
      batch: place.batch + 1,
      state: stateOf(run),
      phase: run.phase,
      step_num: Math.min(run.step + 1, created.steps.length),
      created: place.created_at,
      updated: run.updatedAt,
      version,
    },
  };
}

/** How much output of each attempt is stored, and how much was left out; bytes that two pieces have count once. */
async function readOutputs(db: Kysely<unknown>, run: number): Promise<Map<string, AttemptOutput>> {
  const { rows } = await sql<{ step: number; attempt: number; bytes: number; stored: number }>`
    SELECT step, attempt, max(last)::bigint AS bytes,
      sum(greatest(0, last - greatest(first, coalesce(reached, 0))))::bigint AS stored
    FROM (
      SELECT step, attempt, start_byte AS first, start_byte + length(data) AS last,
        max(start_byte + length(data)) OVER (PARTITION BY step, attempt ORDER BY start_byte
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
      FROM attempt_output WHERE run_id = ${run}
    ) AS pieces GROUP BY step, attempt`.execute(db);
  return new Map(
    rows.map(({ step, attempt, bytes, stored }) => [
      `${step}/${attempt}`,
      { bytes: Number(bytes), stored: Number(stored), dropped: Number(bytes) - Number(stored) },
    ]),
  );
}
