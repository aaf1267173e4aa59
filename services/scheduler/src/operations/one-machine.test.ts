import { execution, inventory, type TaskTarget, tasks } from '@rigel/contracts';
import { rebuildHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { silentLogger, startTestServers } from '@rigel/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import t from 'tap';
import { schedulerHistory } from '../maintenance/history.js';
import { migrations } from '../migrations/index.js';
import { differences } from '../testing/differences.js';
import { Counterpart, serveNeighbours, startReplica } from '../testing/scheduler.js';

/*
 * Two nodes that are one machine. In the inventory here every `10.0.0.<n>` is node n, and `10.0.0.<n>:22` is node 1000 + n, the same
 * machine, as an earlier release let it be entered.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
const neighbours = await servers.startBus('neighbours');
const targetOf = (ip: string): TaskTarget => {
  const [host = '', port] = ip.split(':');
  const n = Number(host.split('.')[3]);
  const spellings = [
    { node_id: n, ip: host },
    { node_id: 1_000 + n, ip: `${host}:22` },
  ];
  const [own, other] = port === undefined ? spellings : spellings.toReversed();
  if (!own || !other) throw new Error(`there is no node ${ip}`);
  return { ...own, vm_id: '', pool_id: 1, pool_name: 'pool', same_machine: [other] };
};
neighbours.serve(inventory.findTargets, async ({ ips }) => ({ targets: ips.map(targetOf), unknown: [] }));
neighbours.serve(inventory.targetsById, async ({ ids }) => ({
  targets: ids.map((id) => targetOf(id > 1_000 ? `10.0.0.${id - 1_000}:22` : `10.0.0.${id}`)),
}));
serveNeighbours(await servers.startBus('catalog'), async () => undefined, { inventory: false });
const counterpart = new Counterpart(await servers.startBus('counterpart'));
const scheduler = await startReplica(servers);
t.teardown(() => scheduler.stop());

const create = (nodes: string[], name = 'test', auto = false) =>
  counterpart.call(tasks.create, {
    template_id: 1,
    task_name: name,
    timeout: 0,
    auto,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'ann',
    nodes,
    params: {},
  });
await counterpart.patiently(tasks.list, { page: 1, page_size: 1 });
const stop = (id: number) => counterpart.call(tasks.stop, { id, opr_user: 'ann' });
const heldNodes = async (node_ids: number[]) => {
  const { holders } = await counterpart.call(tasks.holders, { node_ids });
  return holders
    .flatMap(({ node_ids, held_by }) => node_ids.map((id) => [id, held_by.task_id]))
    .sort(([a = 0], [b = 0]) => a - b);
};

t.test('a task holds a machine under both its spellings, and a refusal names it', async (t) => {
  const { ids } = await create(['10.0.0.1'], 'first "one"');
  const [id = 0] = ids;
  t.strictSame(await heldNodes([1, 1_001, 2]), [
    [1, id],
    [1_001, id],
  ]);
  const who = new RegExp(`by task ${id} \\(first 'one', of ann, since 20[-0-9]+T[0-9:.]+Z\\)`);
  const refused = { code: 'in_use', field: 'nodes' };
  await t.rejects(create(['10.0.0.1']), {
    ...refused,
    message: new RegExp(`held: 10\\.0\\.0\\.1 ${who.source}$`),
  });
  await t.rejects(create(['10.0.0.1:22']), {
    ...refused,
    message: new RegExp(
      `held: 10\\.0\\.0\\.1:22 \\(the same machine as node 1, 10\\.0\\.0\\.1\\) ${who.source}$`,
    ),
  });
  const remove = (node: number) => counterpart.call(tasks.reserveNodes, { node_ids: [node], ttl_ms: 1_000 });
  await t.rejects(remove(1_001), { code: 'in_use', message: who });
  const { rows } = await counterpart.call(tasks.detail, { id });
  t.match(rows, [
    { node_id: 1, held_by: { task_id: id, name: 'first "one"', opr_user: 'ann', ending: false } },
  ]);
  t.type(rows[0]?.held_by?.since, 'number');
  await stop(id);
  t.strictSame(await heldNodes([1, 1_001]), []);
  t.equal((await counterpart.call(tasks.detail, { id })).rows[0]?.held_by, undefined);
  const { ids: next } = await create(['10.0.0.1:22']);
  t.strictSame(await heldNodes([1, 1_001]), [
    [1, next[0]],
    [1_001, next[0]],
  ]);
  await stop(next[0] ?? 0);
});

t.test('one task does not get a machine twice', async (t) => {
  await t.rejects(create(['10.0.0.2', '10.0.0.3', '10.0.0.2:22']), {
    code: 'in_use',
    field: 'nodes',
    message: /10\.0\.0\.2 \(node 2\) and 10\.0\.0\.2:22 \(node 1002\) are one machine.*remove one of the two/,
  });
  t.strictSame(await heldNodes([2, 3, 1_002]), []);
});

t.test('of ten tasks that want a machine at once under two spellings one gets it', async (t) => {
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, n) => create([n % 2 === 0 ? '10.0.0.4' : '10.0.0.4:22'])),
  );
  const won = results.filter(({ status }) => status === 'fulfilled');
  t.equal(won.length, 1);
  for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'in_use' });
  await stop((won[0] as PromiseFulfilledResult<{ ids: number[] }>).value.ids[0] ?? 0);
});

t.test(
  'a task that is started again does not get a machine that another one has by its other name',
  async (t) => {
    const [first = 0] = (await create(['10.0.0.5', '10.0.0.6'], 'first', true)).ids;
    for (const run of (await counterpart.call(tasks.detail, { id: first })).rows) {
      const { lease, next } = await counterpart.claim(first, run.id);
      for (let instruction = next; instruction.do !== 'release'; ) {
        const failed = { status: 'failed' as const, reason: 'exit status 1' };
        const report = counterpart.report(first, run.id, lease, instruction, failed);
        const answer = await counterpart.patiently(execution.report, report, first);
        if (answer.status !== 'accepted') throw new Error(answer.reason);
        instruction = answer.next;
      }
    }
    t.strictSame(await heldNodes([5, 1_005, 6, 1_006]), [], 'it has failed');
    const [second = 0] = (await create(['10.0.0.5:22'], 'second')).ids;
    await counterpart.call(tasks.start, { id: first, opr_user: 'ann' });
    const { rows } = await counterpart.call(tasks.detail, { id: first });
    t.match(rows, [
      {
        ip: '10.0.0.5',
        state: 3,
        steps: [{ message: new RegExp(`held by task ${second} \\(second, of ann`) }],
      },
      { ip: '10.0.0.6', state: 0 },
    ]);
    t.strictSame(await heldNodes([5, 1_005, 6, 1_006]), [
      [5, second],
      [6, first],
      [1_005, second],
      [1_006, first],
    ]);
    await stop(first);
    await stop(second);
  },
);

t.test('property: whatever is asked for, no machine is in two unfinished tasks', async (t) => {
  const node = fc.tuple(fc.integer({ min: 10, max: 14 }), fc.boolean());
  const step = fc.oneof(
    fc.record({ do: fc.constant('create' as const), nodes: fc.array(node, { minLength: 1, maxLength: 3 }) }),
    fc.record({ do: fc.constantFrom('stop' as const, 'start' as const), which: fc.nat(5) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), async (steps) => {
      const made: number[] = [];
      await Promise.all(
        steps.map(async (one) => {
          if (one.do === 'create') {
            const nodes = one.nodes.map(([n, port]) => `10.0.0.${n}${port ? ':22' : ''}`);
            const answer = await create([...new Set(nodes)]).catch(() => undefined);
            made.push(...(answer?.ids ?? []));
          } else {
            const id = made[one.which];
            if (id !== undefined)
              await counterpart.call(tasks[one.do], { id, opr_user: 'ann' }).catch(() => undefined);
          }
        }),
      );
      const holdersOf = new Map<number, Set<number>>();
      for (const [held = 0, task = 0] of await heldNodes([
        10, 11, 12, 13, 14, 1_010, 1_011, 1_012, 1_013, 1_014,
      ])) {
        holdersOf.set(held % 1_000, (holdersOf.get(held % 1_000) ?? new Set()).add(task));
      }
      const once = [...holdersOf.values()].every((holders) => holders.size === 1);
      for (const id of made) await stop(id).catch(() => undefined);
      return once && (await heldNodes([10, 11, 12, 13, 14])).length === 0;
    }),
    { numRuns: 15 },
  );
  t.pass();
});

t.test(
  'a new machine whose address is that of another node has none, and nothing is run on it',
  async (t) => {
    const [id = 0] = (await create(['10.0.0.20'], 'expand', true)).ids;
    const [run] = (await counterpart.call(tasks.detail, { id })).rows;
    if (!run) throw new Error('the task has no run');
    const { lease, next } = await counterpart.claim(id, run.id);
    const report = counterpart.report(id, run.id, lease, next, {
      machine: { vm_id: 'vm-7', ip: '10.0.0.21' },
    });
    const answer = await counterpart.patiently(execution.report, report, id);
    t.match(answer, { status: 'accepted', next: { do: 'release' } }, 'not even tried again');
    t.match((await counterpart.call(tasks.detail, { id })).rows, [
      {
        ip: '-',
        vm_id: 'vm-7',
        state: 3,
        steps: [
          {
            message:
              /machine vm-7 the address 10\.0\.0\.21, and that is the one of node 21: nothing is run on it/,
          },
        ],
      },
    ]);
  },
);

t.test('the read tables say what the events say, and a rebuild holds machines as before', async (t) => {
  const [id = 0] = (await create(['10.0.0.30'])).ids;
  t.strictSame(await differences(servers), []);
  const url = servers.databaseUrl;
  const db = await openExisting({ url, schema: 'scheduler', migrations, log: silentLogger });
  t.teardown(() => db.destroy());
  await sql`DELETE FROM node_holds WHERE node_id = 1030`.execute(db);
  t.match(await differences(servers), [/^node_holds node_id=1030 task_id=\d+: there is no row/]);
  await rebuildHistory(db, schedulerHistory);
  t.strictSame(await differences(servers), []);
  t.strictSame(await heldNodes([30, 1_030]), [
    [30, id],
    [1_030, id],
  ]);
});
