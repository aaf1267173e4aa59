import { setTimeout as sleep } from 'node:timers/promises';
import { PARTITIONS } from '@rigel/contracts';
import pg from 'pg';
import type { Logger } from 'pino';

const CHECK_INTERVAL_MS = 1_000;
/** With the interval well below SILENCE_MS: a replica that cannot reach the database stops before others may go on. */
const CHECK_TIMEOUT_MS = 5_000;
/** A replica that has not checked for this long stands still, and its session is ended. */
const SILENCE_MS = 10_000;
/** Pause between two checks beyond which this replica itself must have stood still. */
const STALL_MS = 4_000;
/** How long giving up partitions may take; then the replica releases their locks all the same. */
const GIVE_UP_MS = 4_000;
/** First keys of the advisory locks, different from those of other programs in the same database. */
export const OWNERS = 0x52_49_47; // RIG
export const MEMBERS = 0x52_49_48;
const CHANNEL = 'rigel_partitions';

/** The replicas and what they own, as PostgreSQL's table of locks has it. */
interface View {
  /** Backends of all replicas, in an order that is the same for each replica. */
  members: number[];
  /** Backend that owns each partition, for those that are owned. */
  owners: Map<number, number>;
  /** Backends whose replica has not checked for SILENCE_MS. */
  silent: number[];
  /** Locks that sessions of other roles have taken, none of which is a scheduler: `<role>: <partition>`. */
  foreign: string[];
}

/** How many of `total` partitions the member at `index` of `members` has: shares differ by one at most. */
export function shareOf(total: number, members: number, index: number): number {
  return Math.floor(total / members) + (index < total % members ? 1 : 0);
}

/**
 * Which partitions this replica owns: those whose PostgreSQL advisory lock it holds, on a session of its own. A second
 * lock on the same session makes the replica a member; every second each one counts the members in the table of locks,
 * hands over what is more than its share, and takes what is free. A dead replica's session ends and all its locks with
 * it, so there is nothing to clean up.
 *
 * The checks are also the sign of life: a replica that stands still keeps its session and would keep its partitions, so
 * the others end a session that has not checked for 10 s. When its replica wakes up it finds its session gone, forgets
 * everything and joins again. What it tries to record in between is refused: others have written by then, and an append
 * names the version that it follows.
 */
export class Ownership {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;
  private owned: ReadonlySet<number> = new Set();
  /** Ends the pause before the next check. */
  private wake: () => void = () => undefined;
  private lastCheck = Date.now();
  private judgesFrom = 0;
  /** The foreign locks that are in the log. */
  private foreign = '';

  constructor(
    private readonly options: {
      databaseUrl: string;
      log: Logger;
      /**
       * Called with the partitions owned now, when they change. Resolves when this replica serves and writes nothing any more
       * for the other partitions; only then it hands them over.
       */
      onChange: (partitions: ReadonlySet<number>) => Promise<void>;
    },
  ) {}

  get partitions(): ReadonlySet<number> {
    return this.owned;
  }

  start(): void {
    this.loop = this.run();
  }

  /** Hands everything over. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const client = new pg.Client({
        connectionString: this.options.databaseUrl,
        application_name: 'rigel-scheduler-ownership',
        connectionTimeoutMillis: CHECK_TIMEOUT_MS,
        query_timeout: CHECK_TIMEOUT_MS,
        keepAlive: true,
      });
      // The next check fails and says why.
      client.on('error', () => this.wake());
      client.on('end', () => this.wake());
      try {
        await client.connect();
        await this.takePart(client);
      } catch (error) {
        if (!signal.aborted)
          this.options.log.warn(
            { err: error },
            'the scheduler has lost its partitions with its database session, and joins again',
          );
      }
      await this.change(new Set());
      await this.leave(client);
      if (!signal.aborted) await this.pause();
    }
  }

  /** Checks once a second until it is stopped. @throws when the session is lost. */
  private async takePart(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ pid: number }>(
      'SELECT pg_backend_pid() AS pid, pg_advisory_lock($1::int, pg_backend_pid())',
      [MEMBERS],
    );
    const me = rows[0]?.pid ?? 0;
    client.on('notification', ({ processId }) => {
      if (processId !== me) this.wake();
    });
    await client.query(`LISTEN ${CHANNEL}`);
    await client.query('SELECT pg_notify($1, $2)', [CHANNEL, 'joined']);
    while (!this.stopping.signal.aborted) {
      // Armed before looking, so that what others change meanwhile is not missed.
      const pause = this.pause();
      await this.check(client, me);
      await pause;
    }
  }

  private async check(client: pg.Client, me: number): Promise<void> {
    const now = Date.now();
    // After a stall of the whole machine all replicas look silent: the others get their time to check, too.
    if (now - this.lastCheck > STALL_MS) this.judgesFrom = now + SILENCE_MS;
    this.lastCheck = now;
    const { members, owners, silent, foreign } = await this.view(client);
    this.tellOf(foreign);
    const frozen = silent.filter((pid) => pid !== me);
    if (frozen.length > 0 && now >= this.judgesFrom) await this.end(client, frozen);
    const mine = [...owners].flatMap(([partition, pid]) => (pid === me ? [partition] : []));
    const index = members.indexOf(me);
    if (index < 0) throw new Error('the session has lost its lock');
    const surplus = mine.length - shareOf(PARTITIONS, members.length, index);
    if (surplus > 0) {
      await this.handOver(client, mine.slice(0, -surplus), mine.slice(-surplus));
    } else if (surplus < 0) {
      const free = Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => !owners.has(p));
      // Each begins elsewhere, so that two that take at once do not reach for the same.
      const start = Math.floor((free.length * index) / members.length);
      const wanted = [...free.slice(start), ...free.slice(0, start)].slice(0, -surplus);
      await this.change(new Set([...mine, ...(await this.take(client, wanted))]));
    }
  }

  private async view(client: pg.Client): Promise<View> {
    // Once a second: planning it costs as much as running it.
    const { rows } = await client.query<{
      space: number;
      key: number;
      pid: number;
      role: string | null;
      silent: boolean | null;
    }>({
      name: 'view',
      text: `SELECT l.classid::int AS space, l.objid::int AS key, l.pid,
         CASE WHEN a.usename <> current_user THEN a.usename END AS role,
         a.state_change < clock_timestamp() - $3 * interval '1 millisecond' AS silent
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND l.classid IN ($1, $2)
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ORDER BY space, key`,
      values: [MEMBERS, OWNERS, SILENCE_MS],
    });
    // A session of another role is not a scheduler, whatever it has locked.
    const members = rows.filter(({ space, role }) => space === MEMBERS && role === null);
    const taken = rows.filter(({ space, role }) => space === OWNERS && role !== null);
    return {
      members: members.map(({ pid }) => pid),
      owners: new Map(rows.flatMap(({ space, key, pid }) => (space === OWNERS ? [[key, pid]] : []))),
      silent: members.filter(({ silent }) => silent === true).map(({ pid }) => pid),
      foreign: taken.map(({ role, key }) => `${role}: ${key}`),
    };
  }

  private tellOf(foreign: string[]): void {
    const before = this.foreign;
    this.foreign = foreign.join(', ');
    if (foreign.length === 0 || this.foreign === before) return;
    this.options.log.error(
      { locks: foreign },
      'another database role has locked partitions: no scheduler runs their tasks until that role releases the locks (see `rigel database prepare`)',
    );
  }

  /** Ends sessions of replicas that stand still; their locks are free with the next check. */
  private async end(client: pg.Client, pids: number[]): Promise<void> {
    this.options.log.warn(
      { backends: pids, silent_ms: SILENCE_MS },
      'other schedulers stand still: this one ends their database sessions and takes their partitions',
    );
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE pid = ANY($1) AND state_change < clock_timestamp() - $2 * interval '1 millisecond'`,
      [pids, SILENCE_MS],
    );
  }

  private async handOver(client: pg.Client, kept: number[], given: number[]): Promise<void> {
    await this.change(new Set(kept));
    await client.query('SELECT pg_advisory_unlock($1::int, p) FROM unnest($2::int[]) AS p', [OWNERS, given]);
    await client.query('SELECT pg_notify($1, $2)', [CHANNEL, 'handed over']);
  }

  private async take(client: pg.Client, wanted: number[]): Promise<number[]> {
    const { rows } = await client.query<{ partition: number }>(
      'SELECT p AS partition FROM unnest($1::int[]) AS p WHERE pg_try_advisory_lock($2::int, p)',
      [wanted, OWNERS],
    );
    return rows.map(({ partition }) => partition);
  }

  /** Ends the session, and with it the locks that it still has. */
  private async leave(client: pg.Client): Promise<void> {
    if (this.stopping.signal.aborted) {
      const told = client.query('SELECT pg_advisory_unlock_all(), pg_notify($1, $2)', [CHANNEL, 'left']);
      await told.catch(() => undefined); // the session is gone already
    }
    const late = new AbortController();
    await Promise.race([
      client.end().catch(() => undefined),
      sleep(CHECK_TIMEOUT_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  private async change(partitions: ReadonlySet<number>): Promise<void> {
    if (partitions.size === this.owned.size && [...partitions].every((p) => this.owned.has(p))) return;
    this.owned = partitions;
    const { log, onChange } = this.options;
    log.info(
      { partitions: [...partitions].sort((a, b) => a - b) },
      'the scheduler owns these partitions now',
    );
    const late = new AbortController();
    await Promise.race([
      onChange(partitions)
        .catch((error: unknown) =>
          log.error({ err: error }, 'the scheduler could not take or give up partitions cleanly'),
        )
        .finally(() => late.abort()),
      sleep(GIVE_UP_MS, undefined, { signal: late.signal }).then(
        () =>
          log.warn(
            { waited_ms: GIVE_UP_MS },
            'the scheduler gives up partitions before all work on them has ended',
          ),
        () => undefined,
      ),
    ]);
  }

  /** A second, or until something has changed. */
  private pause(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopping.signal.aborted) return resolve();
      const timer = setTimeout(resolve, CHECK_INTERVAL_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
