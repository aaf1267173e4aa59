import { type ChildProcess, fork } from 'node:child_process';
import { PARTITIONS } from '@rigel/contracts';
import { startTestServers, waitFor } from '@rigel/testing';
import pg from 'pg';
import t, { type Test } from 'tap';
import type { OwnershipReport } from '../testing/ownership-process.js';
import { MEMBERS, OWNERS, shareOf } from './ownership.js';

const PROGRAM = new URL('../testing/ownership-process.js', import.meta.url);
const TIMEOUT_MS = 60_000;

const servers = await startTestServers();
t.teardown(() => servers.stop());

/** A replica as a process of its own, which can be killed and frozen. */
class Replica {
  readonly reports: OwnershipReport[] = [];
  private readonly process: ChildProcess;

  constructor(t: Test) {
    this.process = fork(PROGRAM, { env: { ...process.env, DATABASE_URL: servers.databaseUrl } });
    this.process.on('message', (report) => this.reports.push(report as OwnershipReport));
    t.teardown(() => this.end('SIGKILL'));
  }

  get partitions(): number[] {
    return this.reports.at(-1)?.partitions ?? [];
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill(signal);
    await exited;
  }
}

/** Waits until the replicas own everything, each so many partitions. */
async function shared(replicas: Replica[], counts: number[]): Promise<void> {
  await waitFor(
    () => {
      const all = replicas.flatMap(({ partitions }) => partitions);
      const owned = replicas.map(({ partitions }) => partitions.length).sort((a, b) => b - a);
      return new Set(all).size === PARTITIONS && all.length === PARTITIONS && `${owned}` === `${counts}`;
    },
    { what: `partitions are shared ${counts.join('/')}`, timeoutMs: TIMEOUT_MS },
  );
}

t.test('shares differ by one at most and make up the whole', async (t) => {
  for (let members = 1; members <= PARTITIONS + 2; members++) {
    const shares = Array.from({ length: members }, (_, index) => shareOf(PARTITIONS, members, index));
    t.equal(
      shares.reduce((sum, share) => sum + share),
      PARTITIONS,
    );
    t.ok(Math.max(...shares) - Math.min(...shares) <= 1);
  }
});

t.test(
  'who joins gets its share, handed over cleanly; who ends or is killed leaves it to the others',
  async (t) => {
    const first = new Replica(t);
    await shared([first], [16]);
    const second = new Replica(t);
    await shared([first, second], [8, 8]);
    const taken = second.reports.find(({ partitions }) => partitions.length > 0);
    const given = first.reports.find(({ partitions, settled }) => partitions.length === 8 && settled);
    t.ok(given && taken && given.at <= taken.at, 'nothing is taken before its owner has settled');
    const third = new Replica(t);
    await shared([first, second, third], [6, 5, 5]);
    await first.end('SIGTERM');
    await shared([second, third], [8, 8]);
    await second.end('SIGKILL');
    await shared([third], [16]);
  },
);

t.test('who stands still loses everything, notices it, and joins again', async (t) => {
  const frozen = new Replica(t);
  const other = new Replica(t);
  await shared([frozen, other], [8, 8]);
  frozen.signal('SIGSTOP');
  await waitFor(() => other.partitions.length === PARTITIONS, {
    what: 'the other one has all',
    timeoutMs: TIMEOUT_MS,
  });
  const before = frozen.reports.length;
  frozen.signal('SIGCONT');
  await shared([frozen, other], [8, 8]);
  t.ok(
    frozen.reports.slice(before).some(({ partitions }) => partitions.length === 0),
    'it has forgotten everything first',
  );
});

t.test('a session of another role is no replica, whatever it has locked', async (t) => {
  const admin = new pg.Client(servers.databaseUrl);
  await admin.connect();
  t.teardown(() => admin.end());
  await admin.query("CREATE ROLE stranger LOGIN PASSWORD 'stranger'");
  const url = new URL(servers.databaseUrl);
  url.username = 'stranger';
  url.password = 'stranger';
  const stranger = new pg.Client(url.href);
  await stranger.connect();
  await stranger.query('SELECT pg_advisory_lock($1::int, n) FROM generate_series(1, 5) AS n', [MEMBERS]);
  await stranger.query('SELECT pg_advisory_lock($1::int, 3)', [OWNERS]);
  const replica = new Replica(t);
  // All but the one that is locked: nobody else gets a share.
  await waitFor(() => replica.partitions.length === PARTITIONS - 1, {
    what: 'the others are owned',
    timeoutMs: TIMEOUT_MS,
  });
  t.notOk(replica.partitions.includes(3));
  await stranger.end();
  await shared([replica], [16]);
  await replica.end('SIGTERM');
});

t.test('the database goes away and comes back', async (t) => {
  const replicas = [new Replica(t), new Replica(t)];
  await shared(replicas, [8, 8]);
  await servers.stopPostgres();
  await waitFor(() => replicas.every(({ partitions }) => partitions.length === 0), {
    what: 'both know that they own nothing',
    timeoutMs: TIMEOUT_MS,
  });
  await servers.startPostgres();
  await shared(replicas, [8, 8]);
});
