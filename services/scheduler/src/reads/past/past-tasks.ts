import {
  MAX_FRAME_CELLS,
  noSuch,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type taskPast,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { TaskState } from '../../task/state.js';
import { foldGently, pastOf, statesOf } from './frames.js';

/** Folds that are under way at once, and those that wait for one of them: beyond, a client is to ask again. */
const AT_ONCE = 2;
const WAITING = 20;
/** Nodes of all folded tasks that are kept to be folded on from. */
const KEPT_NODES = 40_000;
/** Characters of answers that are kept. */
const KEPT_CHARACTERS = 16_000_000;

/** A moment of a task's life; neither: now. */
export interface Moment {
  version?: number | undefined;
  time?: number | undefined;
}

/**
 * Tasks as they were. A fold reads the whole history up to its moment, beside the engine: few are under way at once, each
 * lets others have their turn, and what was answered is kept, since the past does not change.
 */
export class PastTasks {
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];
  /** The last state that was folded of a task: the next moment is often a little later. */
  private readonly states = new Map<number, TaskState>();
  private readonly answers = new Map<string, { answer: unknown; size: number }>();
  private size = 0;

  constructor(private readonly db: Kysely<unknown>) {}

  /**
   * What is told of a task as it was at a moment.
   * @param tell is given the state, which it must not keep.
   * @throws ServiceError `not_found`; `wrong_state` when the task has no such moment; `unavailable`.
   */
  async at<Answer>(
    id: number,
    moment: Moment,
    name: string,
    tell: (task: TaskState) => Answer,
  ): Promise<Answer> {
    const version = await this.versionAt(id, moment);
    const key = `${id}/${version}/${name}`;
    const known = this.answers.get(key);
    if (known) return known.answer as Answer;
    return this.inTurn(async () => {
      const kept = this.states.get(id);
      // A state is folded on in place: nobody else may have it meanwhile.
      this.states.delete(id);
      const from = kept && kept.version <= version ? kept : undefined;
      const task =
        from?.version === version
          ? from
          : await foldGently(this.db, id, from, (event) => event.version < version);
      const answer = tell(task);
      this.keepState(task);
      this.keepAnswer(key, answer);
      return answer;
    });
  }

  async frames({
    id,
    count,
  }: RpcRequest<typeof taskPast.frames>): Promise<RpcResponse<typeof taskPast.frames>> {
    const version = await this.versionAt(id, {});
    const key = `${id}/${version}/frames ${count}`;
    const known = this.answers.get(key);
    if (known) return known.answer as RpcResponse<typeof taskPast.frames>;
    return this.inTurn(async () => {
      const frames: RpcResponse<typeof taskPast.frames>['frames'] = [];
      let wanted: number[] | undefined;
      await foldGently(this.db, id, undefined, (event, task) => {
        wanted ??= evenly(
          version,
          Math.min(count, Math.max(2, Math.floor(MAX_FRAME_CELLS / task.runs.length))),
        );
        if (event.version === wanted[0]) {
          wanted.shift();
          frames.push({ ...pastOf(task), states: statesOf(task) });
        }
        return event.version < version;
      });
      const answer = { version, frames };
      this.keepAnswer(key, answer);
      return answer;
    });
  }

  /** The version that a moment means. */
  private async versionAt(id: number, { version, time }: Moment): Promise<number> {
    const { rows } = await sql<{ version: number; created_at: number }>`
      SELECT version, created_at FROM tasks WHERE id = ${id}`.execute(this.db);
    const [task] = rows;
    if (!task) throw noSuch('task', id, `there is no task ${id}`);
    if (version !== undefined) {
      if (version <= task.version) return version;
      throw new ServiceError(
        'not_yet',
        `task ${id} has ${task.version} versions by now, not ${version}`,
        'version',
        { value: version, data: { version: task.version } },
      );
    }
    if (time === undefined) return task.version;
    if (time < task.created_at) {
      const made = new Date(task.created_at).toISOString();
      throw new ServiceError('not_yet', `task ${id} did not exist then: it was created at ${made}`, 'time');
    }
    return this.versionUntil(id, time, task.version);
  }

  /** The last version that was recorded up to a time: times rise with versions, so halving finds it. */
  private async versionUntil(id: number, time: number, last: number): Promise<number> {
    const { rows } = await sql<{ version: number }>`
      WITH RECURSIVE halves(low, high) AS (
        SELECT 1, ${last}::int
        UNION ALL
        SELECT CASE WHEN early THEN middle ELSE low END, CASE WHEN early THEN high ELSE middle - 1 END
        FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM halves WHERE low < high) AS h,
          LATERAL (SELECT e.recorded_at <= ${time} AS early FROM events e
            WHERE e.stream = ${`task-${id}`} AND e.version = h.middle) AS found
      )
      SELECT low AS version FROM halves WHERE low = high`.execute(this.db);
    return rows[0]?.version ?? 1;
  }

  private async inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.underWay >= AT_ONCE) {
      if (this.waiting.length >= WAITING)
        throw new ServiceError(
          'unavailable',
          'too many tasks are being looked up as they were; try again in some seconds',
        );
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.underWay++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.underWay--;
    }
  }

  private keepState(task: TaskState): void {
    this.states.set(task.id, task);
    let nodes = 0;
    for (const [id, state] of [...this.states].toReversed()) {
      nodes += state.runs.length;
      if (nodes > KEPT_NODES) this.states.delete(id);
    }
  }

  private keepAnswer(key: string, answer: unknown): void {
    const size = JSON.stringify(answer).length;
    this.answers.set(key, { answer, size });
    this.size += size;
    for (const [oldest, kept] of this.answers) {
      if (this.size <= KEPT_CHARACTERS) break;
      this.answers.delete(oldest);
      this.size -= kept.size;
    }
  }
}

/** Versions from the first to the last, as evenly as whole numbers allow, each once. */
function evenly(last: number, count: number): number[] {
  if (count === 1) return [last];
  const versions = Array.from(
    { length: count },
    (_, index) => 1 + Math.round((index * (last - 1)) / (count - 1)),
  );
  return [...new Set(versions)];
}
