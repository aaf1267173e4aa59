import { inventory, type ServiceError, schedules, tasks } from '@rigel/contracts';
import { startTestServers } from '@rigel/testing';
import t from 'tap';
import { assertReplayable, startInventoryForTest } from './testing/inventory.js';

/*
 * Ten clients at once, and two replicas of the service. What the tests look for is what a client may see: no other
 * error than the documented ones.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const { call, bus, startReplica, stop } = await startInventoryForTest(servers);
t.teardown(stop);
await startReplica();
bus.serve(tasks.reserveNodes, async () => ({}));
bus.serve(schedules.reservePool, async () => ({}));

const CLIENTS = 10;
const all = { page: 1, page_size: 10_000 };

/** Runs the attempts at once. @returns what each came to: `done` or the code of its refusal, sorted. */
async function outcomes(attempts: (() => Promise<unknown>)[]): Promise<string[]> {
  const results = attempts.map((attempt) =>
    attempt().then(
      () => 'done',
      (error: ServiceError) => error.code ?? String(error),
    ),
  );
  return (await Promise.all(results)).sort();
}
const tenTimes = (attempt: (n: number) => Promise<unknown>) =>
  outcomes(Array.from({ length: CLIENTS }, (_, n) => () => attempt(n)));
const oneWins = (refusal: string) => [...Array(CLIENTS - 1).fill(refusal), 'done'].sort();

const cluster = (name: string) => call(inventory.createCluster, { name, desc: '', biz: '' });
const service = (name: string, cluster_id: number) =>
  call(inventory.createService, { name, desc: '', service_type: '', docker_image: '-', cluster_id });
const pool = (name: string, service_id: number) =>
  call(inventory.createPool, { name, desc: '', vm_type: 1, sd_id: 1, service_id, tasks: {} });

t.test('of ten that create the same name one wins', async (t) => {
  t.strictSame(await tenTimes(() => cluster('same')), oneWins('conflict'));
  const { rows } = await call(inventory.listClusters, all);
  const [{ id } = { id: 0 }] = rows;
  t.strictSame(
    rows.map(({ name }) => name),
    ['same'],
  );
  t.strictSame(await tenTimes(() => service('same', id)), oneWins('conflict'));
  const services = await call(inventory.listServices, all);
  t.strictSame(await tenTimes(() => pool('same', services.rows[0]?.id ?? 0)), oneWins('conflict'));
  t.equal((await call(inventory.listPools, all)).total, 1);
});

t.test('of ten that rename to the same name one wins; ten changes of one thing all count', async (t) => {
  const made = await Promise.all(Array.from({ length: CLIENTS }, (_, n) => cluster(`r${n}`)));
  const ids = made.map(({ id }) => id);
  t.strictSame(
    await tenTimes((n) => call(inventory.updateCluster, { id: ids[n] ?? 0, name: 'renamed' })),
    oneWins('conflict'),
  );
  const id = ids[0] ?? 0;
  t.strictSame(
    await tenTimes((n) => call(inventory.updateCluster, { id, desc: `by ${n}` })),
    Array(CLIENTS).fill('done'),
  );
  t.match((await call(inventory.getCluster, { id })).desc, /^by \d$/);
  t.strictSame(await tenTimes(() => call(inventory.deleteCluster, { id })), oneWins('not_found'));
});

t.test('of ten that enter the same address one wins', async (t) => {
  const { id } = await pool('addresses', (await service('addresses', (await cluster('addresses')).id)).id);
  t.strictSame(
    await tenTimes((n) =>
      call(inventory.addNodes, { pool_id: id, nodes: [`10.0.0.${n}`, '10.1.1.1', `10.0.1.${n}`] }),
    ),
    oneWins('conflict'),
  );
  const { rows } = await call(inventory.listNodes, { ...all, pool_id: id });
  t.equal(rows.length, 3, 'the others left nothing behind');
  t.strictSame(
    await tenTimes(() => call(inventory.removeNodes, { pool_id: id, nodes: ['10.1.1.1'] })),
    oneWins('not_found'),
  );
  t.equal((await call(inventory.listNodes, { ...all, pool_id: id })).total, 2);
});

t.test('while things are deleted, children are created: no child is left without its parent', async (t) => {
  for (let round = 0; round < 8; round++) {
    const c = await cluster(`parent${round}`);
    const s = await service(`parent${round}`, c.id);
    const p = await pool(`parent${round}`, s.id);
    const name = (n: number) => `child${round}-${n}`;
    const results = await outcomes([
      ...[0, 1, 2].map((n) => () => call(inventory.addNodes, { pool_id: p.id, nodes: [`${name(n)}.local`] })),
      ...[0, 1].map((n) => () => pool(name(n), s.id)),
      ...[0, 1].map((n) => () => service(name(n), c.id)),
      () => call(inventory.deletePool, p),
      () => call(inventory.deleteService, s),
      () => call(inventory.deleteCluster, c),
    ]);
    for (const result of results) t.match(result, /^(done|in_use|not_found)$/);
  }
  const clusters = new Set((await call(inventory.listClusters, all)).rows.map(({ id }) => id));
  const services = (await call(inventory.listServices, all)).rows;
  const pools = (await call(inventory.listPools, all)).rows;
  t.ok(services.every(({ cluster_id }) => clusters.has(cluster_id)));
  t.ok(pools.every(({ service_id }) => services.some(({ id }) => id === service_id)));
  for (const { id, node_count } of pools) {
    t.equal((await call(inventory.listNodes, { ...all, pool_id: id })).total, node_count);
  }
});

t.test('of two that enter the same address into two pools one wins', async (t) => {
  const { id } = await service('two pools', (await cluster('two pools')).id);
  const pools = [await pool('one', id), await pool('other', id)];
  for (let round = 0; round < 20; round++) {
    const nodes = [`10.2.${round}.1`, `10.2.${round}.2`];
    t.strictSame(
      await outcomes([
        () => call(inventory.addNodes, { pool_id: pools[0]?.id ?? 0, nodes }),
        () => call(inventory.addNodes, { pool_id: pools[1]?.id ?? 0, nodes: nodes.toReversed() }),
      ]),
      ['conflict', 'done'],
    );
  }
  const lists = await Promise.all(pools.map((p) => call(inventory.listNodes, { ...all, pool_id: p.id })));
  t.equal(new Set(lists.flatMap(({ rows }) => rows.map(({ ip }) => ip))).size, 40);
  t.equal(lists[0] && lists[1] && lists[0].total + lists[1].total, 40, 'each address once');
});

t.test(
  'nodes are added while clients page through them, oldest first: none twice, none left out',
  async (t) => {
    const { id } = await pool('paged', (await service('paged', (await cluster('paged')).id)).id);
    const adding = { done: false };
    const added = Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let n = 0; n < 15; n++)
          await call(inventory.addNodes, {
            pool_id: id,
            nodes: [`10.3.${client}.${n}`, `10.4.${client}.${n}`],
          });
      }),
    ).then(() => {
      adding.done = true;
    });
    while (!adding.done) {
      const seen: number[] = [];
      for (let page = 1; ; page++) {
        const { rows } = await call(inventory.listNodes, { pool_id: id, page, page_size: 20 });
        seen.push(...rows.map((row) => row.id));
        if (rows.length < 20) break;
      }
      const { rows } = await call(inventory.listNodes, { ...all, pool_id: id });
      t.strictSame(
        seen,
        rows.slice(0, seen.length).map((row) => row.id),
      );
    }
    await added;
  },
);

t.test('clusters are added while a client pages through them, newest first: none is left out', async (t) => {
  const adding = { done: false };
  const added = Promise.all(Array.from({ length: 60 }, (_, n) => cluster(`paged${n}`))).then(() => {
    adding.done = true;
  });
  while (!adding.done) {
    const before = (await call(inventory.listClusters, all)).rows.map(({ id }) => id);
    const seen: number[] = [];
    for (let page = 1; ; page++) {
      const { rows } = await call(inventory.listClusters, { page, page_size: 5 });
      seen.push(...rows.map(({ id }) => id));
      if (rows.length < 5) break;
    }
    // What is added moves the others towards the end: one may come again, none can be missed.
    t.strictSame(
      before.filter((id) => !seen.includes(id)),
      [],
    );
  }
  await added;
});

t.test('while rows come and go, the number of all rows agrees with those of the page', async (t) => {
  const { id: cluster_id } = await cluster('agreeing');
  const { id: service_id } = await service('agreeing', cluster_id);
  const { id: pool_id } = await pool('agreeing', service_id);
  const changing = { done: false };
  const changed = (async () => {
    for (let n = 0; n < 60; n++) {
      const { id } = await pool(`agreeing${n}`, service_id);
      const { ids } = await call(inventory.addNodes, { pool_id, nodes: [`agreeing-${n}`] });
      if (n % 2 === 0) await call(inventory.removeNodes, { pool_id, nodes: ids });
      await call(inventory.deletePool, { id });
    }
    changing.done = true;
  })();
  while (!changing.done) {
    for (const page of [1, 2, 9]) {
      const asked = { page, page_size: 1 };
      for (const { rows, total } of await Promise.all([
        call(inventory.listPools, { ...asked, service_id }),
        call(inventory.listNodes, { ...asked, pool_id }),
      ])) {
        const due = Math.min(1, Math.max(0, total - (page - 1)));
        if (rows.length !== due) t.fail(`page ${page} has ${rows.length} rows, and there are ${total}`);
      }
    }
  }
  await changed;
});

t.test('the read tables can be made again from the events', (t) => assertReplayable(t, servers));
