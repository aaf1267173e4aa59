import t from 'tap';
import type { Answer } from '../../support/api.js';
import { uniqueName } from '../../support/fleet.js';
import { sharedRig } from '../../support/shared-rig.js';

/* Two replicas of each service on one PostgreSQL and one NATS. What is deleted must not be in use afterwards. */

t.test('things are deleted while others come to use them', async (t) => {
  const rig = await sharedRig('one-replicated-system');
  const { api, fleet } = rig;
  const noop = { command: '', type: 'noop' };

  await t.test(
    'nodes are removed while tasks take them: a task never holds a node that is gone',
    async (t) => {
      const template = await fleet.template({ nothing: noop });
      let [taken, removed] = [0, 0];
      for (let round = 0; round < 25; round++) {
        const ips = [1, 2, 3, 4].map((n) => `10.1.${round}.${n}`);
        const { poolId } = await fleet.pool(ips);
        const remove = (nodes: string[]): Promise<Answer> =>
          api.call(`/pool/${poolId}/remove_nodes`, { nodes });
        const create = (nodes: string[]): Promise<Answer> => fleet.createTask(template, nodes, { auto: 0 });
        const [a, b, c, d] = ips as [string, string, string, string];
        // Each wants a node that another one wants too, in another order.
        const [tasks, removals] = await Promise.all([
          Promise.all([create([a, b]), create([d, c])]),
          Promise.all([remove([b, c]), remove([c, d, a]), remove([b])]),
        ]);
        const held = tasks.flatMap((answer, n) =>
          answer.code === 0
            ? [
                [a, b],
                [d, c],
              ][n]
            : [],
        ) as string[];
        const gone = removals.flatMap((answer, n) =>
          answer.code === 0 ? [[b, c], [c, d, a], [b]][n] : [],
        ) as string[];
        t.strictSame(
          held.filter((ip) => gone.includes(ip)),
          [],
          'held and gone',
        );
        for (const { code, msg } of tasks) t.ok(code === 0 || code === 400, `task: ${code} ${msg}`);
        for (const { code, msg } of removals) t.ok([0, 400, 404].includes(code), `removal: ${code} ${msg}`);
        const pools = await api.ok<Record<string, number>>(`/pool/search_by_ip/${ips.join(',')}`);
        for (const ip of ips)
          t.equal(pools[ip], gone.includes(ip) ? -1 : poolId, `${ip} is where it was said to be`);
        taken += held.length;
        removed += gone.length;
        const deleted = await api.call(`/pool/delete/${poolId}`);
        t.equal(deleted.code === 0, gone.length === 4 && new Set(gone).size === 4, 'a pool with nodes stays');
      }
      t.ok(taken > 0 && removed > 0, `both sides win at times: ${taken} nodes taken, ${removed} removed`);
    },
  );

  await t.test('pools are deleted while nodes are added and tasks are made of them', async (t) => {
    const template = await fleet.template({ nothing: noop });
    for (let round = 0; round < 15; round++) {
      const ip = `10.2.${round}.1`;
      const { poolId } = await fleet.pool([ip]);
      const [added, , task, deleted] = await Promise.all([
        api.call(`/pool/${poolId}/add_nodes`, { nodes: [`10.2.${round}.2`] }),
        api.call(`/pool/${poolId}/remove_nodes`, { nodes: [ip] }),
        fleet.createTask(template, [ip], { auto: 0 }),
        api.call(`/pool/delete/${poolId}`),
      ]);
      t.ok(added.code === 0 || added.code === 404, `add: ${added.code} ${added.msg}`);
      t.ok(deleted.code === 0 || deleted.code === 400, `delete: ${deleted.code} ${deleted.msg}`);
      const pool = await api.call(`/pool/${poolId}`);
      t.equal(pool.code === 0, deleted.code !== 0);
      if (added.code === 0 || task.code === 0) t.equal(pool.code, 0, 'a pool with nodes is there');
    }
  });

  await t.test(
    'a template is deleted while tasks are made of it: a task is whole or there is none',
    async (t) => {
      for (let round = 0; round < 15; round++) {
        const ips = [1, 2, 3].map((n) => `10.3.${round}.${n}`);
        await fleet.pool(ips);
        const template = await fleet.template({ nothing: noop });
        const [deleted, ...tasks] = await Promise.all([
          api.call(`/task_tpl/delete/${template}`),
          ...ips.map((ip) => fleet.createTask(template, [ip])),
        ]);
        t.equal(deleted.code, 0);
        for (const { code, msg, taskIds } of tasks) {
          t.ok(code === 0 || code === 400, `task: ${code} ${msg}`);
          if (code === 0) t.match(await fleet.ended(taskIds[0] ?? 0), { state: 2, stat: [0, 0, 1, 0, 0] });
        }
      }
    },
  );

  await t.test(
    'templates are deleted while pools come to name them: no pool names one that is gone',
    async (t) => {
      const { poolId } = await fleet.pool(['10.4.0.1']);
      const { service_id } = await api.ok<{ service_id: number }>(`/pool/${poolId}`);
      const fields = { desc: '', vm_type: 1, sd_id: 1, service_id };
      let [named, deleted] = [0, 0];
      for (let round = 0; round < 25; round++) {
        const template = await fleet.template({ nothing: noop });
        const empty = await api.ok<{ id: number }>('/pool/create', { ...fields, name: uniqueName('empty') });
        // Who begins first differs from round to round.
        const requests = [
          () => api.call(`/task_tpl/delete/${template}`),
          () => api.call('/pool/create', { ...fields, name: uniqueName('new'), tasks: { deploy: template } }),
          () => api.call(`/pool/update/${empty.id}`, { tasks: { expand: template } }),
        ];
        const order = [0, 1, 2].map((n) => (n + round) % 3);
        const answers: Answer[] = [];
        await Promise.all(
          order.map(async (n) => {
            answers[n] = await (requests[n] as () => Promise<Answer>)();
          }),
        );
        const [deletion, created, updated] = answers as [Answer, Answer, Answer];
        t.ok(deletion.code === 0 || deletion.code === 404, `deletion: ${deletion.code} ${deletion.msg}`);
        for (const { code, msg } of [created, updated]) {
          t.ok(code === 0 || (code === 400 && msg.includes('was deleted')), `naming: ${code} ${msg}`);
        }
        const names = created.code === 0 || updated.code === 0;
        t.notOk(names && deletion.code === 0, 'named and gone');
        t.equal((await api.call(`/task_tpl/${template}`)).code === 0, deletion.code !== 0);
        if (names) named++;
        if (deletion.code === 0) deleted++;
        if (names)
          t.match(await api.call(`/task_tpl/delete/${template}`), { code: 404, msg: /is used by pool/ });
      }
      t.comment(`${named} rounds named the template, ${deleted} deleted it`);
    },
  );

  await t.test(
    'remote steps and actions are deleted while templates and steps are made of them',
    async (t) => {
      for (let round = 0; round < 15; round++) {
        const name = uniqueName('raced');
        const action = await api.ok<number>('/action/create', { name, desc: '', params: {} });
        const step = await api.ok<number>('/remote_step/create', { name, desc: '', actions: [] });
        const [deletedStep, deletedAction, template, , impl] = await Promise.all([
          api.call(`/remote_step/delete/${step}`),
          api.call(`/action/delete/${action}`),
          api.call('/task_tpl/create', { name, desc: '', steps: [{ name, param_values: {} }] }),
          api.call(`/remote_step/update/${step}`, { actions: [name] }),
          api.call('/actimpl/create', {
            type: 'ansible',
            action_id: action,
            template: { action: { module: 'shell', args: 'true' } },
          }),
        ]);
        t.not(deletedStep.code, 500);
        t.not(deletedAction.code, 500);
        if (template.code === 0) {
          t.not(deletedStep.code, 0, 'what a template names is there');
          t.equal((await api.call(`/remote_step/${step}`)).code, 0);
        }
        if (deletedAction.code === 0 && impl.code === 0) {
          const impls = await api.ok<{ id: number }[]>('/actimpl/list?page_size=10000');
          t.notOk(impls.some(({ id }) => id === impl.data));
        }
      }
    },
  );
});
