import t from 'tap';
import type { Answer } from '../../support/api.js';
import { loopbackNodes, uniqueName } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

t.test('many clients at once, and large answers', async (t) => {
  const rig = await sharedRig('one-replicated-system');
  const { api, fleet } = rig;

  await t.test('ten clients create and delete the same things: no fault, no half-made thing', async (t) => {
    const codes = new Set<number>();
    const call = async (path: string, body?: unknown): Promise<Answer> => {
      const answer = await api.call(path, body);
      codes.add(answer.code);
      return answer;
    };
    const names = Array.from({ length: 5 }, () => uniqueName('contested'));
    const { poolId } = await fleet.pool([]);
    await Promise.all(
      Array.from({ length: 10 }, async (_, client) => {
        for (let round = 0; round < 8; round++) {
          const name = names[(client + round) % names.length];
          const cluster = await call('/cluster/create', { name, desc: '', biz: '1' });
          if (cluster.code === 0) {
            const service = {
              name: uniqueName('s'),
              desc: '',
              service_type: 'x',
              docker_image: '-',
              cluster_id: cluster.data,
            };
            const [made] = await Promise.all([
              call('/service/create', service),
              call(`/cluster/delete/${cluster.data}`),
            ]);
            if (made.code === 0) await call(`/service/delete/${(made.data as { id: number }).id}`);
            await call(`/cluster/delete/${cluster.data}`);
          }
          await call(`/pool/${poolId}/add_nodes`, { nodes: [`10.11.1.${round}`, `10.11.2.${client}`] });
          await call(`/pool/${poolId}/remove_nodes`, { nodes: [`10.11.1.${round}`] });
        }
      }),
    );
    t.notOk(codes.has(500), `codes seen: ${[...codes].join(', ')}`);
    const clusters = (await api.ok('/cluster/list?page_size=10000')) as { id: number; name: string }[];
    t.equal(new Set(clusters.map(({ name }) => name)).size, clusters.length, 'names are unique');
    const nodes = (await api.ok(`/pool/${poolId}/list_nodes?page_size=10000`)) as { ip: string }[];
    t.equal(new Set(nodes.map(({ ip }) => ip)).size, nodes.length, 'addresses are unique');
    const [pool] = (await api.ok('/pool/list?page_size=1')) as { id: number; node_count: number }[];
    t.match(pool, { id: poolId, node_count: nodes.length }, 'the count agrees');
    for (const { id } of clusters) {
      for (const service of (await api.ok(`/cluster/${id}/list_services`)) as { id: number }[]) {
        t.match(await api.call(`/service/${service.id}`), { code: 0 });
      }
    }
  });

  await t.test('the same node for ten tasks at once: one gets it', async (t) => {
    const nodes = loopbackNodes(1, 9, 700);
    await fleet.pool(nodes);
    const template = await fleet.template({ nothing: { command: '', type: 'noop' } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => fleet.createTask(template, nodes, { auto: 0 })),
    );
    t.equal(answers.filter(({ code }) => code === 0).length, 1);
    t.ok(answers.every(({ code, msg }) => code === 0 || (code === 400 && msg.includes(nodes[0] ?? '?'))));
  });

  await t.test('a task over 10,000 nodes, and lists of 10,000 rows', async (t) => {
    const nodes = Array.from(
      { length: 10_000 },
      (_, n) => `10.${100 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`,
    );
    const { poolId } = await fleet.pool(nodes);
    const listed = await api.done<{ ip: string }[]>(`/pool/${poolId}/list_nodes?page_size=10000`);
    t.equal(listed.data.length, 10_000);
    const template = await fleet.template({ nothing: { command: '', type: 'noop' } });
    const id = await fleet.startTask(template, nodes);
    t.match(await fleet.ended(id, 120_000), { state: 2, stat: [0, 0, 10_000, 0, 0] });
    t.equal((await api.detail(id)).length, 10_000);
    t.ok((await api.log(id)).length > 20_000);
  });
});
