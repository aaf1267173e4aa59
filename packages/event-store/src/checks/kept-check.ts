import type { Clock } from '@rigel/clock';
import { ServiceError } from '@rigel/contracts';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';

/*
 * A check takes minutes, runs once at a time over all replicas of a service, and leaves one result that every replica reads.
 * Its row is the lock: the replica that runs the check moves `running_until` on while it lives. If that replica dies, the time
 * passes, and another check may begin.
 */

/** How long the row stays taken without a sign of life, and how often the replica gives one. */
const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
/** Characters of a reason. */
const MAX_REASON = 1_000;

/**
 * Creates `checks`: for each check of the service the one that is under way, and the result of the last one. The rows follow
 * from no event, and no decision depends on them.
 */
export async function createChecks(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE checks (
      name text PRIMARY KEY,
      running_since bigint,
      running_until bigint,
      running_by text,
      progress bigint NOT NULL DEFAULT 0,
      began bigint,
      ended bigint,
      by text,
      result jsonb,
      reason text NOT NULL DEFAULT ''
    )`.execute(db);
}

/** The check that is under way, and the last one that has come to an end. */
export interface CheckState<Result> {
  running: { since: number; by: string; progress: number } | null;
  last: { began: number; ended: number; by: string; result: Result | null; reason: string } | null;
}

export interface CheckOptions<Result> {
  db: Kysely<unknown>;
  name: string;
  /** Milliseconds after which a check is given up. */
  limitMs: number;
  clock: Clock;
  log: Logger;
  /**
   * Does the check. A ServiceError says why it could not be done.
   * @param progress says how far it is.
   */
  run: (signal: AbortSignal, progress: (done: number) => void) => Promise<Result>;
}

interface Row<Result> {
  running_since: number | null;
  running_until: number | null;
  running_by: string | null;
  progress: number;
  began: number | null;
  ended: number | null;
  by: string | null;
  result: Result | null;
  reason: string;
}

const READ =
  'SELECT running_since, running_until, running_by, progress, began, ended, by, result, reason FROM checks WHERE name = $1';
const BEGIN = `
  INSERT INTO checks AS c (name, running_since, running_until, running_by) VALUES ($1, $2, $3, $4)
  ON CONFLICT (name) DO UPDATE
    SET running_since = $2, running_until = $3, running_by = $4, progress = 0
    WHERE c.running_until IS NULL OR c.running_until < $2`;
const RENEW = 'UPDATE checks SET running_until = $3, progress = $4 WHERE name = $1 AND running_since = $2';
const END = `
  UPDATE checks SET began = running_since, by = running_by, ended = $3, result = $4::jsonb, reason = $5,
    running_since = NULL, running_until = NULL, running_by = NULL
  WHERE name = $1 AND running_since = $2`;

/** A check of this service, whose last result is kept in its schema. */
export class KeptCheck<Result> {
  private readonly stopping = new AbortController();
  private underWay: Promise<void> | undefined;

  constructor(private readonly options: CheckOptions<Result>) {}

  async read(): Promise<CheckState<Result>> {
    const { db, name, clock } = this.options;
    const { rows } = await db.executeQuery<Row<Result>>(CompiledQuery.raw(READ, [name]));
    const [row] = rows;
    const runs = row?.running_since != null && (row.running_until ?? 0) >= clock.now();
    return {
      running: runs
        ? { since: row.running_since ?? 0, by: row.running_by ?? '', progress: row.progress }
        : null,
      last:
        row?.ended == null
          ? null
          : {
              began: row.began ?? row.ended,
              ended: row.ended,
              by: row.by ?? '',
              result: row.result,
              reason: row.reason,
            },
    };
  }

  /** Begins the check, and does not wait for its end. @returns false: it runs already, here or in another replica. */
  async begin(by: string): Promise<boolean> {
    if (this.underWay || this.stopping.signal.aborted) return false;
    const { name, clock } = this.options;
    const since = clock.now();
    const taken = await this.execute(BEGIN, [name, since, since + LEASE_MS, by]);
    if (!taken) return false;
    this.underWay = this.carryOut(since).finally(() => {
      this.underWay = undefined;
    });
    return true;
  }

  /** Ends a check that runs here; its reason says so. */
  async stop(): Promise<void> {
    this.stopping.abort(new ServiceError('unavailable', 'the service was shut down meanwhile: check again'));
    await this.underWay;
  }

  private async carryOut(since: number): Promise<void> {
    const { name, limitMs, clock, log, run } = this.options;
    const late = new AbortController();
    const cancelLimit = clock.after(limitMs, () =>
      late.abort(
        new ServiceError('unavailable', `it took longer than ${Math.round(limitMs / 60_000)} minutes`),
      ),
    );
    const signal = AbortSignal.any([this.stopping.signal, late.signal]);
    let done = 0;
    const endRenewing = clock.every(RENEW_MS, () => {
      this.execute(RENEW, [name, since, clock.now() + LEASE_MS, done]).catch((error: unknown) =>
        log.warn(
          { err: error, check: name },
          'the service could not record that its check goes on; if this lasts, another replica may begin the check too',
        ),
      );
    });
    const checked = run(signal, (progress) => {
      done = progress;
    });
    // The check may wait for an answer that nothing can abort: its end does not wait for that.
    const [result, reason] = await Promise.race([checked, aborted(signal)]).then(
      (found) => [JSON.stringify(found), ''] as const,
      (error: unknown) => [null, this.reasonOf(signal.aborted ? signal.reason : error)] as const,
    );
    cancelLimit();
    endRenewing();
    try {
      await this.execute(END, [name, since, clock.now(), result, reason]);
    } catch (error) {
      log.warn(
        { err: error, check: name },
        'the service could not store the result of a check: begin the check again',
      );
    }
  }

  private reasonOf(error: unknown): string {
    const { log, name } = this.options;
    const message = error instanceof Error ? error.message : String(error);
    log.warn({ err: error, check: name }, 'the service could not finish a check');
    return message.replaceAll('\0', '').slice(0, MAX_REASON) || 'no reason is known';
  }

  /** @returns whether a row was changed. */
  private async execute(text: string, values: unknown[]): Promise<boolean> {
    const { numAffectedRows = 0n } = await this.options.db.executeQuery(CompiledQuery.raw(text, values));
    return numAffectedRows > 0n;
  }
}

/** Rejects with the signal's reason when that is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
