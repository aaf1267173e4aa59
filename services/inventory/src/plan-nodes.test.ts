import { inventory, ServiceError, tasks } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { startInventoryForTest } from './testing/inventory.js';

/* Nodes whose machines are still to be made, asked for again under a key: whoever asked first died, or gave them up. */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, bus, stop } = await startInventoryForTest(servers);
t.teardown(stop);

/** Stands where the scheduler does: says which nodes a task holds. */
const held = new Set<number>();
bus.serve(tasks.reserveNodes, async ({ node_ids }) => {
  if (node_ids.some((id) => held.has(id)))
    throw new ServiceError('in_use', 'held by an unfinished task', 'nodes');
  return {};
});

const cluster = await call(inventory.createCluster, { name: 'c', desc: '', biz: '' });
const service = await call(inventory.createService, {
  name: 's',
  desc: '',
  service_type: '',
  docker_image: '',
  cluster_id: cluster.id,
});
const poolOf = async (name: string): Promise<number> => {
  const pool = { name, desc: '', vm_type: 1, sd_id: 1, service_id: service.id, tasks: {} };
  return (await call(inventory.createPool, pool)).id;
};
const key = (digit: string) => ({ key: digit.repeat(64), request: digit.repeat(64) });
const plan = async (pool_id: number, count: number, once?: ReturnType<typeof key>): Promise<number[]> => {
  const request = { pool_id, count, node_type: 'manual' as const, ...(once ? { once } : {}) };
  return (await call(inventory.planNodes, request)).ids;
};
const countOf = async (pool_id: number): Promise<number> =>
  (await call(inventory.getPool, { id: pool_id })).node_count;

t.test('without a key each call enters nodes of its own', async (t) => {
  const pool = await poolOf('each');
  t.notSame(await plan(pool, 2), await plan(pool, 2));
  t.equal(await countOf(pool), 4);
});

t.test('under a key they are those of the first call, as long as nothing was made of them', async (t) => {
  const pool = await poolOf('same');
  const first = await plan(pool, 3, key('1'));
  t.strictSame(await plan(pool, 3, key('1')), first);
  t.equal(await countOf(pool), 3);
  t.notSame(await plan(pool, 3, key('2')), first, 'another key, other nodes');
  // Somebody has removed one of them.
  await call(inventory.removeNodes, { pool_id: pool, nodes: [first[1] as number] });
  const again = await plan(pool, 3, key('1'));
  t.strictSame(again.slice(0, 2), [first[0], first[2]]);
  t.not(again[2], first[1]);
  t.strictSame(await plan(pool, 3, key('1')), again);
  t.equal(await countOf(pool), 6);
});

t.test('those that were taken out again are entered anew', async (t) => {
  const pool = await poolOf('anew');
  const first = await plan(pool, 2, key('3'));
  await call(inventory.removeNodes, { pool_id: pool, nodes: first });
  const again = await plan(pool, 2, key('3'));
  t.equal(again.length, 2);
  t.notOk(again.some((id) => first.includes(id)));
  t.equal(await countOf(pool), 2);
});

t.test('a key of another pool takes no nodes from here', async (t) => {
  const [one, other] = [await poolOf('one'), await poolOf('other')];
  const first = await plan(one, 2, key('4'));
  const second = await plan(other, 2, key('4'));
  t.notOk(second.some((id) => first.includes(id)));
  t.strictSame([await countOf(one), await countOf(other)], [2, 2]);
});

t.test('many at once get the same nodes', async (t) => {
  const pool = await poolOf('at once');
  const all = await Promise.all(Array.from({ length: 5 }, () => plan(pool, 2, key('5'))));
  t.equal(new Set(all.map((ids) => ids.join())).size, 1);
  t.equal(await countOf(pool), 2);
});
