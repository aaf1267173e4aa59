import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSshKey, LocalMachines } from '@rigel/providers/local-machines';
import { startTestServers } from '@rigel/testing';
import { sql } from 'kysely';
import t from 'tap';
import { openHistory, rigel } from './testing/rigel.js';

t.test('machines that no node has, and creations of unknown outcome', async (t) => {
  const servers = await startTestServers();
  t.teardown(() => servers.stop());
  const inventory = await openHistory(t, servers, 'inventory');
  const scheduler = await openHistory(t, servers, 'scheduler');

  const folder = mkdtempSync(join(tmpdir(), 'rigel-orphans-'));
  const machines = new LocalMachines(join(folder, 'machines'));
  t.teardown(async () => {
    await machines.destroy(AbortSignal.timeout(60_000));
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'providers.json');
  const env = { DATABASE_URL: servers.databaseUrl, RIGEL_PROVIDERS_FILE: file };
  t.match(await rigel(env, 'orphans'), { status: 2, note: [/providers are not known: .*providers.json/] });
  writeFileSync(
    file,
    JSON.stringify({
      vm: {
        1: { adapter: 'local', folder: machines.folder },
        2: { adapter: 'rest', url: 'http://127.0.0.1:1', app_key: { env: 'NOT_SET_HERE' } },
      },
    }),
  );
  t.match(await rigel(env, 'orphans'), {
    status: 0,
    out: ['0 orphaned machines, 0 creations of unknown outcome'],
    note: [/vm 2 \(rest\) cannot list its machines/],
  });

  const key = generateSshKey().public;
  const make = (token: string) => machines.create(token, key, AbortSignal.timeout(60_000));
  const [owned, lost, underWay] = [await make('uuid-r1'), await make('uuid-r2'), await make('uuid-r3')];
  await sql`INSERT INTO clusters VALUES (1, 'c', '', '')`.execute(inventory);
  await sql`INSERT INTO services VALUES (1, 's', '', '', '', 1)`.execute(inventory);
  await sql`INSERT INTO pools VALUES (1, 'p', '', 1, 1, 1, '{}')`.execute(inventory);
  await sql`INSERT INTO nodes (id, pool_id, ip, vm_id, status, state, node_type)
    VALUES (1, 1, ${owned.address}, ${owned.vmId}, 0, 0, 'manual')`.execute(inventory);
  await sql`INSERT INTO tasks VALUES
    (1, 't', 1, 't', 1, 'p', '{}', 1, 'me', 'manual', 1, '', '{0,0,0,0,0}', true, 1, 0, 0)`.execute(
    scheduler,
  );
  for (const [id, state] of [
    [1, 2],
    [2, 3],
    [3, 1],
  ] as const) {
    await sql`INSERT INTO runs VALUES (${id}, 1, ${id - 1}, 0, ${id}, '-', '', ${state}, 0, '[]', 0, 0)`.execute(
      scheduler,
    );
  }
  const created = { uuid: 'uuid', firstRunId: 1 };
  const failed = { run: 1, reason: 'the answer was lost', unknownMachine: true };
  await sql`INSERT INTO events VALUES
    (1, 'task-1', 1, 'TaskCreated', 1, ${JSON.stringify(created)}, '{}', 0),
    (2, 'task-1', 2, 'AttemptFailed', 1, ${JSON.stringify(failed)}, '{}', 0)`.execute(scheduler);

  const found = await rigel(env, 'orphans');
  t.equal(found.status, 1);
  t.strictSame(found.out.sort(), [
    '1 orphaned machines, 1 creations of unknown outcome',
    'task 1, run 2, 1970-01-01T00:00:00.000Z: a machine may have been made: the answer was lost',
    `vm 1 (local): machine ${lost.vmId} at ${lost.address}: no node has it`,
    `vm 1 (local): machine ${underWay.vmId} at ${underWay.address}: its task is under way`,
  ]);
  const lines = (await rigel(env, 'orphans', '--json')).out.map((line) => JSON.parse(line));
  t.match(lines.at(-1), { unknown_creation: { task: 1, run: 2, reason: 'the answer was lost' } });
  t.equal(lines.length, 3);
  t.equal((await machines.list()).length, 3, 'nothing is deleted');
});
