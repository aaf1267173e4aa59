import { inventory, ServiceError, schedules, tasks } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startInventoryForTest } from './testing/inventory.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, bus, stop } = await startInventoryForTest(servers);
t.teardown(stop);
bus.serve(tasks.reserveNodes, async () => ({}));
bus.serve(schedules.reservePool, async () => ({}));

const cluster = await call(inventory.createCluster, { name: 'web', desc: '', biz: '1' });
const service = await call(inventory.createService, {
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: '-',
  cluster_id: cluster.id,
});
const fields = { desc: '', vm_type: 0, sd_id: 0, service_id: service.id, tasks: {} };
const pool = await call(inventory.createPool, { name: 'shop-a', ...fields });

t.test('each thing says its version, and who changed it when', async (t) => {
  const before = Date.now();
  await call(inventory.updateCluster, { ...cluster, desc: 'x', if_version: 1 });
  const row = await call(inventory.getCluster, cluster);
  t.match(row, { version: 2, updated_by: 'tester', desc: 'x' });
  t.ok((row.updated_at ?? 0) >= before);
  t.match(await call(inventory.listClusters, { page: 1, page_size: 10 }), { rows: [row], total: 1 });
  t.match(await call(inventory.getService, service), { version: 1, updated_by: 'tester' });
  t.match((await call(inventory.listPools, { page: 1, page_size: 10 })).rows, [{ version: 1 }]);
});

t.test('a save or deletion from another version is refused, and changes nothing', async (t) => {
  const stale = { if_version: 1 };
  const refused = (what: string) => ({
    code: 'conflict',
    field: 'if_version',
    message: new RegExp(
      `^if_version is 1, but ${what} has version 2 now: tester changed it at \\d{4}-.*Z; read it again$`,
    ),
  });
  await call(inventory.updateService, { ...service, desc: 'x' });
  await call(inventory.updatePool, { ...pool, desc: 'x' });
  await t.rejects(call(inventory.updateCluster, { ...cluster, ...stale, desc: 'y' }), refused('cluster 1'));
  await t.rejects(call(inventory.updateService, { ...service, ...stale, desc: 'y' }), refused('service 1'));
  await t.rejects(call(inventory.updatePool, { ...pool, ...stale, desc: 'y' }), refused('pool 1'));
  await t.rejects(call(inventory.updatePool, { ...pool, ...stale, desc: 'x' }), refused('pool 1'));
  await t.rejects(call(inventory.deletePool, { ...pool, ...stale }), refused('pool 1'));
  await t.rejects(call(inventory.updatePool, { id: 99, ...stale }), { code: 'not_found' });
  t.match(await call(inventory.getPool, pool), { desc: 'x', version: 2 });
});

t.test('of saves from one version at the same time one wins', async (t) => {
  const save = (desc: string) => call(inventory.updatePool, { ...pool, desc, if_version: 2 });
  const ends = await Promise.allSettled(['a', 'b', 'c', 'd'].map(save));
  t.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const end of ends) if (end.status === 'rejected') t.match(end.reason, { code: 'conflict' });
  t.equal((await call(inventory.getPool, pool)).version, 3);
});

t.test('nodes of a protected pool are removed only with its name', async (t) => {
  const { ids } = await call(inventory.addNodes, { pool_id: pool.id, nodes: ['10.0.3.1', '10.0.3.2:22'] });
  await call(inventory.protectPool, { ...pool, protected: true });
  await call(inventory.protectPool, { ...pool, protected: true });
  t.match(await call(inventory.getPool, pool), { protected: true, version: 4 });
  const remove = (confirm?: string) =>
    call(inventory.removeNodes, {
      pool_id: pool.id,
      nodes: ids.slice(0, 1),
      ...(confirm === undefined ? {} : { confirm }),
    });
  for (const wrong of [undefined, '', 'SHOP-A'])
    await t.rejects(remove(wrong), { code: 'invalid', field: 'confirm' });
  await remove('shop-a');
  await call(inventory.protectPool, { ...pool, protected: false });
});

t.test('the history of a pool has its changes and those of its nodes', async (t) => {
  const { entries, more } = await call(inventory.history, { kind: 'pool', id: pool.id, limit: 100 });
  t.notOk(more);
  t.match(
    entries.map(({ change, version, nodes }) => [change, version, nodes]),
    [
      ['changed', 5, undefined],
      ['nodes_removed', undefined, 1],
      ['changed', 4, undefined],
      ['nodes_added', undefined, 2],
      ['changed', 3, undefined],
      ['changed', 2, undefined],
      ['created', 1, undefined],
    ],
  );
  t.match(entries[0], {
    operator: 'tester',
    correlation_id: 'test',
    client: '',
    fields: [{ name: 'protected', before: true, after: false }],
  });
  t.strictSame(entries[3]?.addresses, ['10.0.3.1', '10.0.3.2:22']);
  t.match(entries[5]?.fields, [{ name: 'desc', before: '', after: 'x' }]);
  const collected = [];
  let before: number | undefined;
  do {
    const part = await call(inventory.history, {
      kind: 'pool',
      id: pool.id,
      limit: 2,
      ...(before === undefined ? {} : { before }),
    });
    collected.push(...part.entries);
    before = part.more ? part.entries.at(-1)?.position : undefined;
  } while (before !== undefined);
  t.strictSame(collected, entries, 'in parts it is the same');
});

t.test('a thing that was deleted still has its history, one that never was has none', async (t) => {
  const other = await call(inventory.createPool, { name: 'gone', ...fields });
  await call(inventory.deletePool, { ...other, if_version: 1 });
  const { entries } = await call(inventory.history, { kind: 'pool', id: other.id, limit: 10 });
  t.match(entries, [{ change: 'deleted', version: 2 }, { change: 'created' }]);
  await t.rejects(call(inventory.history, { kind: 'pool', id: 99, limit: 10 }), {
    code: 'not_found',
    message: 'pool 99 does not exist',
  });
});

t.test('nodes are chosen by filters', async (t) => {
  await call(inventory.addNodes, {
    pool_id: pool.id,
    nodes: ['10.0.30.1', '10.0.3.200:2222', '10.0.3.example.org', '10.0.4.1', '[fd00::1]:22'],
  });
  const found = async (filters: object) =>
    (await call(inventory.selectNodes, { limit: 100, ...filters })).rows.map(({ ip }) => ip);
  t.strictSame(await found({ ip: '10.0.3.' }), ['10.0.3.2:22', '10.0.3.200:2222', '10.0.3.example.org']);
  t.strictSame(await found({ ip: '10.0.3.0/24' }), ['10.0.3.2:22', '10.0.3.200:2222']);
  t.strictSame(await found({ ip: '10.0.3.128/25' }), ['10.0.3.200:2222']);
  t.strictSame(await found({ ip: '10.0.3.2/32' }), ['10.0.3.2:22']);
  t.strictSame(await found({ ip: '10.0.0.0/22' }), ['10.0.3.2:22', '10.0.3.200:2222']);
  t.strictSame(await found({ ip: '10.0.0.0/8', status: [0, 3] }), []);
  t.strictSame(await found({ ip: '[fd00::' }), ['[fd00::1]:22']);
  t.equal((await found({ ip: '0.0.0.0/0' })).length, 4);
  t.equal((await found({ cluster_id: cluster.id, service_id: service.id, pool_id: pool.id })).length, 6);
  t.equal((await found({ version_tag: '' })).length, 6);
  t.strictSame(await found({ version_tag: 'x' }), []);
  t.strictSame(await found({ ids: [] }), []);
  t.match(await call(inventory.selectNodes, { limit: 2, count: true }), { more: true, total: 6 });
  for (const ip of ['10.0.3.0/33', 'fd00::/64', '10.0.3/24', ' ', '10.0.3.0/24/1']) {
    await t.rejects(found({ ip }), { code: 'invalid', field: 'ip' }, ip);
  }
  for (const field of ['pool_id', 'service_id', 'cluster_id'])
    await t.rejects(found({ [field]: 99 }), { code: 'not_found', field });
});

t.test('addresses are told apart: known in any spelling, new, repeated, wrong', async (t) => {
  const { found } = await call(inventory.findNodes, {
    addresses: ['10.0.3.2', '10.9.9.9', '[::ffff:10.9.9.9]', '10.0.3', ' 10.0.4.1 '],
  });
  t.match(found, [
    { address: '10.0.3.2', node: { ip: '10.0.3.2:22', pool_name: 'shop-a', cluster_name: 'web' } },
    { address: '10.9.9.9' },
    { address: '[::ffff:10.9.9.9]', same_as: '10.9.9.9' },
    { address: '10.0.3', problem: '10.0.3 is not an address' },
    { address: '10.0.4.1', node: { service_name: 'shop' } },
  ]);
  t.notOk(found[1]?.node);
});

t.test('pools in numbers', async (t) => {
  t.strictSame(await call(inventory.poolSummary, pool), {
    nodes: 6,
    status: { not_ready: 0, ok: 6, failed: 0 },
    state: [6, 0, 0, 0, 0],
    versions: [{ tag: '', nodes: 6 }],
  });
  const fleet = await call(inventory.fleetSummary, { limit: 10 });
  t.match(fleet, { clusters: [{ name: 'web' }], services: [{ cluster_id: 1 }], more: false });
  t.match(fleet.pools, [{ id: pool.id, nodes: 6, protected: false }]);
  await t.rejects(call(inventory.poolSummary, { id: 99 }), ServiceError);
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
