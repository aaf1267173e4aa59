import type { Clock } from '@rigel/clock';
import { partitionOf, type TaskOverview, type TaskWhy } from '@rigel/contracts';
import { readHead } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Kysely } from 'kysely';
import type { Executors } from '../why/executors.js';
import { ownersWhy } from '../why/serve.js';
import { attentionOf, mayNeedSomebody, nodesConcerned } from './attention.js';
import { ScheduleCounts } from './schedule-counts.js';
import { countTasks, type TaskLine } from './task-counts.js';

/** Tasks that are explained; the others have their counts alone. */
const MOST_EXPLAINED = 12;
/** How long an explanation counts while its task is at work, and when nothing has changed in it. */
const FRESH_MS = 4_000;
const UNCHANGED_MS = 60_000;
const WHY_TIMEOUT_MS = 1_200;
/** An answer is for all that ask within this time. */
const SHARED_MS = 900;
const MINUTE_MS = 60_000;
const MINUTES = 15;
/** An executor that fell silent this long ago is no news any more. */
const LOST_MS = 600_000;

interface Explained {
  at: number;
  version: number;
  atWork: boolean;
  why: TaskWhy;
}

/** How tasks and schedules stand, for the overview. */
export class Overview {
  private readonly schedules: ScheduleCounts;
  private readonly explained = new Map<number, Explained>();
  private readonly heads: number[] = [];
  private last: { at: number; answer: Promise<TaskOverview> } | undefined;
  readonly stop: () => void;

  constructor(
    private readonly options: {
      db: Kysely<unknown>;
      bus: Bus;
      executors: Executors;
      zone: string;
      clock: Clock;
    },
  ) {
    this.schedules = new ScheduleCounts(options.db, options.zone);
    this.note();
    this.stop = options.clock.every(MINUTE_MS, () => this.note());
  }

  read(): Promise<TaskOverview> {
    const now = this.options.clock.now();
    if (this.last && now - this.last.at < SHARED_MS) return this.last.answer;
    const answer = this.compute(now);
    this.last = { at: now, answer };
    answer.catch(() => {
      this.last = undefined;
    });
    return answer;
  }

  private async compute(now: number): Promise<TaskOverview> {
    const { db, executors } = this.options;
    const [{ lines, ...counts }, { skipped, next, ledger }] = await Promise.all([
      countTasks(db, now),
      this.schedules.read(now),
    ]);
    const tasks = lines.filter((line) => mayNeedSomebody(line, now));
    const whys = await this.explain(tasks, now);
    const known = executors.all(now);
    const present = known.filter((one) => one.present);
    const lost = known.filter(({ present, heard, taken }) => !present && taken > 0 && now - heard < LOST_MS);
    return {
      ...counts,
      events_by_minute: this.heads
        .slice(1)
        .map((head, index) => Math.max(0, head - (this.heads[index] ?? head))),
      executors: {
        present: present.length,
        gone: known.length - present.length,
        slots: present.reduce((all, { slots }) => all + slots, 0),
        taken: present.reduce((all, { taken }) => all + taken, 0),
      },
      next,
      ledger,
      attention: attentionOf({ tasks, whys, skipped, lost }, now),
    };
  }

  /** Explains the tasks with the most nodes, by way of the schedulers that run them. */
  private async explain(tasks: readonly TaskLine[], now: number): Promise<Map<number, TaskWhy>> {
    const first = [...tasks]
      .sort((a, b) => nodesConcerned(b) - nodesConcerned(a) || a.updated_at - b.updated_at)
      .slice(0, MOST_EXPLAINED);
    await Promise.all(first.map((task) => this.explainOne(task, now)));
    for (const id of this.explained.keys()) {
      if (!first.some((task) => task.id === id)) this.explained.delete(id);
    }
    return new Map([...this.explained].map(([id, { why }]) => [id, why]));
  }

  private async explainOne({ id, version, end_reason, state }: TaskLine, now: number): Promise<void> {
    const known = this.explained.get(id);
    const atWork = end_reason === '' && state === 1;
    const fresh = known && now - known.at < (atWork || known.version !== version ? FRESH_MS : UNCHANGED_MS);
    if (fresh && (atWork || known.version === version)) return;
    try {
      const context = { correlationId: 'overview', actor: 'scheduler', partition: partitionOf(id) };
      const why = await this.options.bus.call(ownersWhy, { id }, { ...context, timeoutMs: WHY_TIMEOUT_MS });
      this.explained.set(id, { at: now, version, atWork, why });
    } catch {
      // No scheduler runs it just now, or that one is busy: its counts say what is known.
    }
  }

  private note(): void {
    readHead(this.options.db).then(
      (head) => {
        this.heads.push(head);
        if (this.heads.length > MINUTES + 1) this.heads.shift();
      },
      () => undefined,
    );
  }
}
