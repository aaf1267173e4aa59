import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import { register } from 'prom-client';
import t from 'tap';
import { createPool } from './index.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

async function metric(name: string): Promise<number> {
  const found = await register.getSingleMetric(name)?.get();
  return found?.values[0]?.value ?? Number.NaN;
}

t.test('what waits for a connection is what none is free for, over all pools', async (t) => {
  const pools = [1, 2].map((max) => createPool(servers.databaseUrl, 'public', silentLogger, max));
  const [narrow, wide] = pools as [(typeof pools)[0], (typeof pools)[0]];
  await Promise.all([narrow.query('SELECT 1'), wide.query('SELECT 1')]);
  t.equal(await metric('rigel_db_connections'), 2);
  const client = await narrow.connect();
  const statements = [narrow.query('SELECT 1'), narrow.query('SELECT 1'), wide.query('SELECT 1')];
  t.equal(await metric('rigel_db_waiting'), 2, 'the one in the other pool has a connection');
  client.release();
  await Promise.all(statements);
  t.equal(await metric('rigel_db_waiting'), 0);
  await narrow.end();
  await waitFor(async () => (await metric('rigel_db_connections')) === 1, { what: 'a pool that has ended' });
  await wide.end();
});
