import { setTimeout as sleep } from 'node:timers/promises';
import { PARTITIONS } from '@rigel/contracts';
import pg from 'pg';
import type { Logger } from 'pino';

const CHECK_INTERVAL_MS = 1_000;
const CHECK_TIMEOUT_MS = 3_000;
/** First key of the advisory locks, so that nobody else's locks in the same database are met. */
const LOCK_SPACE = 0x52_49_47; // RIG

/**
 * Which partitions this replica owns: those whose PostgreSQL advisory lock it holds, on a connection of its own. A dead
 * owner's connection ends and its locks free themselves; another replica takes them over within a second or two. That
 * two replicas believe to own one partition for a moment (a connection that broke unnoticed) does no harm: of their
 * appends one is refused.
 */
export class Ownership {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;
  private owned = new Set<number>();

  constructor(
    private readonly options: {
      databaseUrl: string;
      log: Logger;
      /** Called with the partitions owned now, whenever they change. */
      onChange: (partitions: ReadonlySet<number>) => void;
    },
  ) {}

  get partitions(): ReadonlySet<number> {
    return this.owned;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
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
      client.on('error', () => undefined);
      try {
        await client.connect();
        while (!signal.aborted) {
          await this.lockFree(client);
          await sleep(CHECK_INTERVAL_MS, undefined, { signal });
        }
      } catch (error) {
        if (!signal.aborted)
          this.options.log.warn({ err: error }, 'ownership of partitions is lost, trying again');
      }
      this.change(new Set());
      await client.end().catch(() => undefined);
      await sleep(CHECK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Tries the partitions that are not owned; with all owned it only checks that the connection lives. */
  private async lockFree(client: pg.Client): Promise<void> {
    const wanted = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(
      (p) => !this.owned.has(p),
    );
    const { rows } = await client.query<{ partition: number }>(
      'SELECT p AS partition FROM unnest($1::int[]) AS p WHERE pg_try_advisory_lock($2::int, p)',
      [wanted, LOCK_SPACE],
    );
    if (rows.length > 0) this.change(new Set([...this.owned, ...rows.map(({ partition }) => partition)]));
  }

  private change(partitions: Set<number>): void {
    if (partitions.size === this.owned.size) return;
    this.owned = partitions;
    this.options.log.info({ partitions: [...partitions] }, 'partitions owned');
    this.options.onChange(partitions);
  }
}
