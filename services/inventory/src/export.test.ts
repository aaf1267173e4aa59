import { fleetExport, inventory } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startInventoryForTest } from './testing/inventory.js';

/* The sets of files that things are written in, and the export of what can be written in files. */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, stop } = await startInventoryForTest(servers);
t.teardown(stop);

const KINDS = ['cluster', 'service', 'pool', 'node'] as const;
const cluster = await call(inventory.createCluster, { name: 'web', desc: '', biz: '1', managed_by: 'prod' });
const image = { service_type: 'Java', docker_image: '-' };
const service = await call(inventory.createService, {
  name: 'shop',
  desc: '',
  ...image,
  cluster_id: cluster.id,
});
const fields = { desc: '', vm_type: 0, sd_id: 0, service_id: service.id, tasks: {} };
const pool = await call(inventory.createPool, { name: 'shop-a', ...fields, managed_by: 'prod' });
const other = await call(inventory.createPool, { name: 'shop-b', ...fields });

t.test('a thing says which set it is written in, and leaves it', async (t) => {
  t.match(await call(inventory.getCluster, cluster), { managed_by: 'prod', version: 1 });
  t.match(await call(inventory.getService, service), { managed_by: '' });
  await call(inventory.updateService, { ...service, managed_by: 'prod' });
  t.match(await call(inventory.getService, service), { managed_by: 'prod', docker_image: '-', version: 2 });
  await call(inventory.updateService, { ...service, managed_by: 'prod' });
  t.match(await call(inventory.getService, service), { version: 2 }, 'the same again is no change');
  await call(inventory.updatePool, { ...other, managed_by: '' });
  t.match(await call(inventory.getPool, other), { managed_by: '', version: 1 });
  await call(inventory.updateService, { ...service, managed_by: '' });
  t.match(await call(inventory.getService, service), { managed_by: '', version: 3 });
});

t.test('a set has a name of a strict form', async (t) => {
  for (const managed_by of ['Prod', ' prod', 'prod-', '.prod', 'a b', 'p'.repeat(51), 'prod\n', 'prüd']) {
    const refused = { code: 'invalid', field: 'managed_by', message: /managed_by must be the name of a set/ };
    await t.rejects(call(inventory.updatePool, { ...pool, managed_by }), refused, managed_by);
    await t.rejects(call(inventory.createPool, { ...fields, name: 'x', managed_by }), refused, managed_by);
  }
  for (const managed_by of ['a', '7', 'eu-1.web_x', 'p'.repeat(50)])
    await call(inventory.updatePool, { ...other, managed_by });
});

t.test('all is exported with its version, or what a set has', async (t) => {
  await call(inventory.addNodes, { pool_id: pool.id, nodes: ['web-2', '10.0.0.7:2222', 'Web-1'] });
  await call(inventory.addNodes, { pool_id: pool.id, nodes: ['web-4', 'web-3'], labels: { zone: 'a' } });
  await call(inventory.planNodes, { pool_id: pool.id, count: 2, node_type: 'manual' });
  const all = await call(fleetExport.inventory, { kinds: [...KINDS] });
  t.match(all, {
    clusters: [{ name: 'web', version: 1, updated_by: 'tester' }],
    services: [{ name: 'shop', version: 3 }],
    pools: [{ name: 'shop-a' }, { name: 'shop-b' }],
  });
  t.strictSame(
    all.nodes,
    [
      { pool_id: pool.id, labels: {}, ips: ['10.0.0.7:2222', 'Web-1', 'web-2'] },
      { pool_id: pool.id, labels: { zone: 'a' }, ips: ['web-3', 'web-4'] },
    ],
    'in the order of their bytes, without machines that are to be made',
  );
  const ofSet = await call(fleetExport.inventory, { kinds: [...KINDS], managed_by: 'prod' });
  t.match(ofSet, { clusters: [{ name: 'web' }], services: [], pools: [{ name: 'shop-a' }] });
  t.equal(ofSet.nodes.length, 2);
  t.strictSame(await call(fleetExport.inventory, { kinds: [], managed_by: 'prod' }), {
    clusters: [],
    services: [],
    pools: [],
    nodes: [],
  });
});

t.test('the read tables can be made again from the events', async (t) => {
  await assertReplayable(t, servers);
});
