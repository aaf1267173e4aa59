import { type Clock, systemClock } from '@rigel/clock';
import { ONCE_KEPT_MS, type OnceAnswer, type OnceKey, ServiceError } from '@rigel/contracts';
import type { AskedOnce } from '@rigel/messaging';
import type { ServiceContext } from '@rigel/runtime';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';

/*
 * A service carries out a request with a key once. It inserts the row of the key in the transaction of the request's
 * changes. So the row is there if and only if the changes are, whichever process dies, and if two replicas do the same
 * at once, one rolls back. The rest of this file only finds the answer that was given.
 */

/** A kept answer, and the hash of the request that it answers. */
export interface KeptAnswer {
  request: string;
  answer: unknown;
}

/** The store of kept answers. */
export interface KeptAnswers {
  /** The answer that was kept for a key; undefined: none, or it has expired. @param now milliseconds since 1970. */
  find(key: string, now: number): Promise<KeptAnswer | undefined>;
  /** Removes expired answers, a bounded number. @returns how many. */
  removeExpired(now: number): Promise<number>;
}

/** Another request with this key has been carried out meanwhile. The transaction must be rolled back. */
export class KeyTaken extends ServiceError {
  constructor() {
    super('unavailable', 'a request with the same Idempotency-Key is being carried out: send this one again');
  }
}

const FIND = prepared('SELECT request, answer FROM kept_answers WHERE key = $1 AND kept_until > $2');

const ENTER = `
  INSERT INTO kept_answers AS k (key, request, answer, kept_until) VALUES ($1, $2, $3, $4)
  ON CONFLICT (key) DO UPDATE
    SET request = excluded.request, answer = excluded.answer, kept_until = excluded.kept_until`;
const KEEP = prepared(`${ENTER} WHERE k.kept_until <= $5`);
const REPLACE = prepared(`${ENTER} WHERE k.kept_until <= $5 OR k.answer::text = $6`);

/** Rows removed in one transaction, so that none takes long. */
const AT_ONCE = 1_000;
const REMOVE = `
  DELETE FROM kept_answers WHERE key = ANY (ARRAY(
    SELECT key FROM kept_answers WHERE kept_until <= $1 ORDER BY kept_until LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED))`;

export type KeepAnswer = (trx: Transaction<unknown>, once: AskedOnce, answer: unknown) => Promise<void>;

/**
 * Keeps the answer to a request with a key, in the transaction of the request's changes. Waits for another transaction
 * with the same key. For requests without a key nothing here is called, so they cost no further statement.
 * @throws KeyTaken if another request with this key was carried out meanwhile.
 */
export const keepAnswer: KeepAnswer = async (trx, { key, request, at }, answer) => {
  const values = [key, request, JSON.stringify(answer), at + ONCE_KEPT_MS, at];
  const { numAffectedRows } = await trx.executeQuery(CompiledQuery.raw(KEEP, values));
  if (numAffectedRows !== 1n) throw new KeyTaken();
};

/** Keeps an answer in place of an earlier one. @throws KeyTaken if another answer has replaced that one. */
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

/** The kept answers in the first schema of the connection's search_path. */
export function databaseAnswers(db: Kysely<unknown>): KeptAnswers {
  return {
    async find(key, now) {
      const { rows } = await db.executeQuery<KeptAnswer>(CompiledQuery.raw(FIND, [key, now]));
      return rows[0];
    },
    async removeExpired(now) {
      const { numAffectedRows = 0n } = await db.executeQuery(CompiledQuery.raw(REMOVE, [now]));
      return Number(numAffectedRows);
    },
  };
}

/** How often expired answers are removed, and how many batches of them at most each time. */
const REMOVE_EVERY_MS = 60_000;
const MAX_BATCHES = 100;

/** Carries out requests with keys, and answers their repetitions. */
export class AnswersKept {
  /** Requests that this process is carrying out, by key. */
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
   * Does the work, or returns the answer that was kept for this key. A repetition that arrives while the first request
   * is being carried out waits for it, here or for its transaction. If the first is refused, the repetition does the
   * work: refusals are not kept.
   * @param work keeps its answer by `keepAnswer` in its transaction.
   * @throws ServiceError `key_reused` if the key was used for another request; otherwise the refusal of the work.
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
      // Another replica may have been faster, and the refusal may follow from that: its transaction took the name.
      // Also, after an error the transaction may be committed all the same.
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
        'the Idempotency-Key was used before with other parameters: send the same parameters again, or use another key',
      );
    }
    return { repeated: true, answer: kept.answer as T };
  }

  /** As `find`. If the answers cannot be read, it throws the earlier error, which says more. */
  private async findQuietly<T>(asked: AskedOnce, before: unknown): Promise<OnceAnswer<T> | undefined> {
    try {
      return await this.find<T>(asked);
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'key_reused') throw error;
      throw before;
    }
  }

  /** Begins to remove expired answers, in the background. */
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

  /** Removes expired answers. `find` ignores those that are left for the next time. @returns how many were removed. */
  async sweep(): Promise<number> {
    let removed = 0;
    try {
      for (let batch = 0; batch < MAX_BATCHES && !this.stopped; batch++) {
        const count = await this.answers.removeExpired(this.clock.now());
        removed += count;
        if (count < AT_ONCE) break;
      }
      if (removed > 0)
        this.log.debug({ removed }, 'removed expired answers to requests with an Idempotency-Key');
    } catch (error) {
      this.log.warn(
        { err: error },
        'removing expired answers to requests with an Idempotency-Key failed, trying again',
      );
    }
    return removed;
  }
}

/** Keeps the answers of a service in its own schema; ends with the service. */
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
