import { type Clock, systemClock } from '@rigel/clock';
import { ONCE_KEPT_MS, type OnceAnswer, type OnceKey, ServiceError } from '@rigel/contracts';
import type { AskedOnce } from '@rigel/messaging';
import type { ServiceContext } from '@rigel/runtime';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';

/*
 * What is asked for under a key is done once. The key decides in the transaction of what is made, where its row is entered: so it is
 * there exactly if the thing is, whatever dies, and of two replicas that do the same at once one is undone. All else here only
 * finds the answer that was given.
 */

/** An answer as it was kept, and the hash of the request that it answers. */
export interface KeptAnswer {
  request: string;
  answer: unknown;
}

/** Where answers are kept. */
export interface KeptAnswers {
  /** What was kept under a key, unless it is forgotten by then. @param now milliseconds since 1970. */
  find(key: string, now: number): Promise<KeptAnswer | undefined>;
  /** Removes forgotten ones, a bounded number of them. @returns how many. */
  removeForgotten(now: number): Promise<number>;
}

/** Somebody else has made under this key what was to be made; nothing of this transaction may stay. */
export class KeyTaken extends ServiceError {
  constructor() {
    super('unavailable', 'the same request is being carried out for somebody else: ask again');
  }
}

const FIND = prepared('SELECT request, answer FROM kept_answers WHERE key = $1 AND kept_until > $2');

const ENTER = `
  INSERT INTO kept_answers AS k (key, request, answer, kept_until) VALUES ($1, $2, $3, $4)
  ON CONFLICT (key) DO UPDATE
    SET request = excluded.request, answer = excluded.answer, kept_until = excluded.kept_until`;
const KEEP = prepared(`${ENTER} WHERE k.kept_until <= $5`);
const REPLACE = prepared(`${ENTER} WHERE k.kept_until <= $5 OR k.answer::text = $6`);

/** Rows removed in one transaction: none is long. */
const AT_ONCE = 1_000;
const REMOVE = `
  DELETE FROM kept_answers WHERE key = ANY (ARRAY(
    SELECT key FROM kept_answers WHERE kept_until <= $1 ORDER BY kept_until LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED))`;

export type KeepAnswer = (trx: Transaction<unknown>, once: AskedOnce, answer: unknown) => Promise<void>;

/**
 * Keeps what is answered to a request under a key, in the transaction of what it makes; waits for another one under the same
 * key. Without a key nothing of this is called, so that other requests cost no statement more.
 * @throws KeyTaken when another one has made it.
 */
export const keepAnswer: KeepAnswer = async (trx, { key, request, at }, answer) => {
  const values = [key, request, JSON.stringify(answer), at + ONCE_KEPT_MS, at];
  const { numAffectedRows } = await trx.executeQuery(CompiledQuery.raw(KEEP, values));
  if (numAffectedRows !== 1n) throw new KeyTaken();
};

/** Keeps an answer in place of an earlier one. @throws KeyTaken when another one stands there by now. */
export function replaceAnswer(before: unknown): KeepAnswer {
  return async (trx, { key, request, at }, answer) => {
    const values = [
      key,
      request,
      JSON.stringify(answer),
      at + ONCE_KEPT_MS,
      at,
      JSON.stringify(before) ?? null,
    ];
    const { numAffectedRows } = await trx.executeQuery(CompiledQuery.raw(REPLACE, values));
    if (numAffectedRows !== 1n) throw new KeyTaken();
  };
}

/** The answers in the schema that the connection's search_path names first. */
export function databaseAnswers(db: Kysely<unknown>): KeptAnswers {
  return {
    async find(key, now) {
      const { rows } = await db.executeQuery<KeptAnswer>(CompiledQuery.raw(FIND, [key, now]));
      return rows[0];
    },
    async removeForgotten(now) {
      const { numAffectedRows = 0n } = await db.executeQuery(CompiledQuery.raw(REMOVE, [now]));
      return Number(numAffectedRows);
    },
  };
}

/** How often forgotten answers are looked for, and how many batches of them are removed each time at most. */
const REMOVE_EVERY_MS = 60_000;
const MAX_BATCHES = 100;

/** Carries out requests under keys, and answers their repetitions. */
export class AnswersKept {
  /** What is being carried out in this process, by its key. */
  private readonly underWay = new Map<string, Promise<unknown>>();
  private endSweeping: () => void = () => undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly answers: KeptAnswers,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /**
   * Does it unless it was done under this key, and answers what was answered then. One that comes while the first is under way
   * waits for it, here or for its transaction; when that is refused, it is done for this one: refusals are not kept.
   * @param work keeps its answer by `keepAnswer` in its transaction.
   * @throws ServiceError `key_reused` when the key was used for another request; else what the work is refused by.
   */
  async once<T>(once: OnceKey, work: (asked: AskedOnce) => Promise<T>): Promise<OnceAnswer<T>> {
    for (let other = this.underWay.get(once.key); other; other = this.underWay.get(once.key)) {
      await other.catch(() => undefined);
    }
    const done = this.findOrDo({ ...once, at: this.clock.now() }, work);
    this.underWay.set(once.key, done);
    try {
      return await done;
    } finally {
      this.underWay.delete(once.key);
    }
  }

  private async findOrDo<T>(
    asked: AskedOnce,
    work: (asked: AskedOnce) => Promise<T>,
  ): Promise<OnceAnswer<T>> {
    const before = await this.find<T>(asked);
    if (before) return before;
    try {
      return { repeated: false, answer: await work(asked) };
    } catch (error) {
      // Another replica may have been faster, which is also what the refusal may come from: the name is taken by it. And what
      // looks like a fault may have been committed.
      const meanwhile = await this.findQuietly<T>(asked, error);
      if (meanwhile) return meanwhile;
      throw error;
    }
  }

  private async find<T>({ key, request, at }: AskedOnce): Promise<OnceAnswer<T> | undefined> {
    const kept = await this.answers.find(key, at);
    if (!kept) return undefined;
    if (kept.request !== request) {
      throw new ServiceError(
        'key_reused',
        'the Idempotency-Key came before with other parameters: send the same ones again, or use another key',
      );
    }
    return { repeated: true, answer: kept.answer as T };
  }

  /** As `find`; that the answers cannot be read is passed over, what went wrong before says more. */
  private async findQuietly<T>(asked: AskedOnce, before: unknown): Promise<OnceAnswer<T> | undefined> {
    try {
      return await this.find<T>(asked);
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'key_reused') throw error;
      throw before;
    }
  }

  /** Begins to remove what is forgotten, in the background. */
  start(): void {
    this.endSweeping = this.clock.every(REMOVE_EVERY_MS, () => {
      this.sweeping = this.sweeping.then(async () => void (await this.sweep()));
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.endSweeping();
    await this.sweeping;
  }

  /** Removes what is forgotten. What is left for the next time is never answered. @returns how many were removed. */
  async sweep(): Promise<number> {
    let removed = 0;
    try {
      for (let batch = 0; batch < MAX_BATCHES && !this.stopped; batch++) {
        const count = await this.answers.removeForgotten(this.clock.now());
        removed += count;
        if (count < AT_ONCE) break;
      }
      if (removed > 0) this.log.debug({ removed }, 'answers to repeated requests were forgotten');
    } catch (error) {
      this.log.warn({ err: error }, 'answers that are not kept any more could not be removed, trying again');
    }
    return removed;
  }
}

/** The keeper of a service's answers, in its own schema; it ends with the service. */
export function openAnswers({
  untyped,
  log,
  onShutdown,
}: { untyped: Kysely<unknown> } & Pick<ServiceContext<unknown>, 'log' | 'onShutdown'>): AnswersKept {
  const answers = new AnswersKept(databaseAnswers(untyped), systemClock, log);
  answers.start();
  onShutdown('kept answers', () => answers.stop());
  return answers;
}
