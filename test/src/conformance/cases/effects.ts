import type { Asked, Case } from '../case.js';
import { exactRefusal, refusal } from '../expectation.js';
import { both, exactly, having, listOf, listWith, objectWith, text } from '../shape.js';
import { shellTemplate, stepOption } from '../world.js';

/* What writes do, beyond their answers. */

function effect(endpoint: string, rule: string, run: (asked: Asked) => Promise<void>): Case {
  return { endpoint, rule, run };
}

/** An id in the body of a create does not count. */
function idIgnored(endpoint: string, path: string, bodyOf: (asked: Asked) => Promise<object>): Case {
  return effect(endpoint, 'an id in the body is ignored', async (asked) => {
    const body = { ...(await bodyOf(asked)), id: 1 };
    const data = await asked.data('POST', path, body);
    const id = typeof data === 'object' ? (data as { id: number }).id : data;
    if (id === 1) throw new Error(`${path} used the id of the request`);
  });
}

export const effectCases: Case[] = [
  effect('cluster.update', 'the new name is applied', async (asked) => {
    const cluster = await asked.world.cluster();
    const fields = { name: asked.world.name('cluster'), desc: 'Sample Platform', biz: '平台' };
    await asked.data('POST', `/cluster/update/${cluster.id}`, fields);
    await asked.expect(
      { method: 'POST', path: `/cluster/${cluster.id}` },
      { data: having({ id: cluster.id, ...fields }) },
    );
  }),
  effect('cluster.create', 'blanks around a name are trimmed', async (asked) => {
    const name = asked.world.name('cluster');
    const id = await asked.data('POST', '/cluster/create', { name: ` ${name} `, desc: '', biz: '' });
    await asked.expect(
      { method: 'GET', path: `/cluster/${String(id)}` },
      { data: having({ id, name, desc: '', biz: '' }) },
    );
  }),
  effect('cluster.create', 'fifty characters are a name, 255 a description', async (asked) => {
    const name = asked.world.name('cluster').padEnd(50, '集');
    await asked.data('POST', '/cluster/create', { name, desc: '描'.repeat(255), biz: '1' });
  }),
  effect('cluster.delete', 'a name is free again', async (asked) => {
    const cluster = await asked.world.cluster();
    await asked.data('POST', `/cluster/delete/${cluster.id}`);
    await asked.expect(
      { method: 'GET', path: `/cluster/${cluster.id}` },
      exactRefusal(404, 'cluster in db not found', {}),
    );
    const id = await asked.data('POST', '/cluster/create', { name: cluster.name, desc: '', biz: '1' });
    if (!(Number(id) > cluster.id)) throw new Error(`the id ${String(id)} follows ${cluster.id}`);
  }),
  effect('service.update', 'absent fields stay', async (asked) => {
    const { id, ...fields } = await asked.world.service();
    await asked.data('POST', `/service/update/${id}`, { docker_image: 'myregistry/myweb:2.0' });
    await asked.expect(
      { method: 'GET', path: `/service/${id}` },
      { data: having({ ...fields, id, docker_image: 'myregistry/myweb:2.0' }) },
    );
  }),
  effect('pool.update', 'DELETE updates and deletes nothing', async (asked) => {
    const pool = await asked.world.pool();
    const name = asked.world.name('pool');
    await asked.data('DELETE', `/pool/update/${pool.id}`, { name, desc: 'web服务池', vm_type: 1, sd_id: 1 });
    await asked.expect(
      { method: 'GET', path: `/pool/${pool.id}` },
      { data: objectWith({ name: exactly(name), desc: exactly('web服务池'), node_count: exactly(0) }) },
    );
  }),
  effect(
    'node.label',
    'labels come from the pool and the request, change, and choose nodes',
    async (asked) => {
      const { world } = asked;
      const pool = await world.pool();
      await asked.data('POST', `/pool/update/${pool.id}`, { labels: { zone: 'a', tier: 'front' } });
      const ips = [world.ip(), world.ip()];
      const labels = { zone: 'b' };
      const ids = await asked.data('POST', `/pool/${pool.id}/add_nodes`, { nodes: ips, labels });
      const [first, second] = ids as [number, number];
      await asked.expect(
        { method: 'GET', path: `/node/${first}` },
        { data: having({ labels: { tier: 'front', zone: 'b' } }) },
      );
      const select = { pools: [pool.id], labels: 'zone=b', order: 'label:zone', limit: 1 };
      await asked.expect(
        { method: 'POST', path: '/node/label', body: { select, set: { canary: '' }, remove: ['tier'] } },
        { data: having({ nodes: 1, changed: 1 }) },
      );
      await asked.expect(
        { method: 'GET', path: `/node/list?pool_id=${pool.id}&labels=!canary,tier` },
        { data: objectWith({ rows: listOf(having({ id: second }), 1) }) },
      );
      const template = await world.shared('runnable', () => world.runnableTemplate());
      await asked.expect(
        {
          method: 'POST',
          path: '/task/preview',
          body: {
            template_id: template.id,
            task_name: 'selected',
            select: { labels: 'canary', pools: [pool.id] },
          },
        },
        { data: objectWith({ nodes: having({ count: 1 }) }) },
      );
      await asked.expect(
        { method: 'POST', path: `/pool/${pool.id}/remove_nodes`, body: { select: { labels: 'zone=b' } } },
        { data: exactly({}) },
      );
      await asked.expect({ method: 'GET', path: `/pool/${pool.id}` }, { data: having({ node_count: 0 }) });
    },
  ),
  effect('pool.add_nodes', 'all or nothing, ids in the order of the request', async (asked) => {
    const { world } = asked;
    const pool = await world.pool();
    const taken = await world.node();
    const [one, two] = [world.ip(), world.ip()];
    const path = `/pool/${pool.id}/add_nodes`;
    await asked.expect(
      { method: 'POST', path, body: { nodes: [one, taken.ip] } },
      refusal(404, 'ip exists already', []),
    );
    const ids = (await asked.data('GET', path, { nodes: [two, one] })) as number[];
    await asked.expect(
      { method: 'POST', path: `/pool/${pool.id}/list_nodes` },
      {
        data: both(
          listWith(
            objectWith({ id: exactly(ids[0]), ip: exactly(two), status: exactly(1), vm_id: exactly('') }),
          ),
          listWith(objectWith({ id: exactly(ids[1]), ip: exactly(one), vnode_type: exactly('manual') })),
        ),
        paged: true,
        query_count: 2,
      },
    );
    await asked.expect(
      { method: 'GET', path: `/pool/${pool.id}` },
      { data: objectWith({ node_count: exactly(2) }) },
    );
  }),
  effect('pool.remove_nodes', 'all or nothing', async (asked) => {
    const node = await asked.world.node();
    await asked.expect(
      {
        method: 'POST',
        path: `/pool/${node.pool_id}/remove_nodes`,
        body: { nodes: [node.id, '198.51.100.7'] },
      },
      refusal(404, 'error when delete id...', []),
    );
    await asked.expect(
      { method: 'GET', path: `/pool/${node.pool_id}` },
      { data: objectWith({ node_count: exactly(1) }) },
    );
  }),
  effect('pool.search_by_ip', 'no address is no pool', async (asked) => {
    for (const path of ['/pool/search_by_ip', '/pool/search_by_ip/', '/pool/search_by_ip/%20,']) {
      await asked.expect({ method: 'POST', path }, { data: exactly({}) });
    }
  }),
  effect('pool.search_by_ip', 'known addresses have their pool, others -1', async (asked) => {
    const node = await asked.world.node();
    for (const list of [`${node.ip},198.51.100.8`, `%20${node.ip}%20,%20198.51.100.8,,`]) {
      await asked.expect(
        { method: 'POST', path: `/pool/search_by_ip/${list}` },
        { data: exactly({ [node.ip]: node.pool_id, '198.51.100.8': -1 }) },
      );
    }
  }),
  effect('task_impl.create', 'retry options in both forms, absent means none', async (asked) => {
    const { name } = await asked.world.remoteStep();
    const id = await asked.data('POST', '/task/impl/create', {
      name: asked.world.name('template'),
      steps: [
        { name, param_values: { a: 1 }, retry: { retry_times: '2', ignore_error: 1 } },
        { name, retry_times: 3, ignore_error: true },
        { name: 'create_vm', param_values: '', retry: {} },
        { name: 'return_vm', param_values: null, retry: null },
      ],
    });
    const steps = [
      { name, param_values: { a: 1 }, retry: { retry_times: 2, ignore_error: true } },
      { name, param_values: {}, retry: { retry_times: 3, ignore_error: true } },
      { name: 'create_vm', param_values: {}, retry: { retry_times: 0, ignore_error: false } },
      { name: 'return_vm', param_values: {}, retry: { retry_times: 0, ignore_error: false } },
    ];
    await asked.expect(
      { method: 'GET', path: `/task_tpl/${String(id)}` },
      { data: objectWith({ desc: exactly(''), steps: exactly(steps) }) },
    );
  }),
  effect('task_tpl.delete', 'one template under three addresses', async (asked) => {
    const template = await asked.world.template();
    for (const list of ['/task_tpl/list', '/task/impl/list', '/action/impl/list']) {
      await asked.expect(
        { method: 'POST', path: list, body: { name: template.name } },
        {
          data: listWith(objectWith({ id: exactly(template.id), steps: exactly(template.steps) })),
          paged: true,
        },
      );
    }
    await asked.expect(
      { method: 'POST', path: '/action/impl/delete', body: { id: String(template.id) } },
      { data: exactly(null) },
    );
    await asked.expect(
      { method: 'POST', path: `/task_tpl/delete/${template.id}` },
      refusal(404, 'data not found', {}),
    );
  }),
  effect(
    'task_step.list',
    'built-in steps first, then the remote ones with the parameters of their actions',
    async (asked) => {
      const { world } = asked;
      const action = await world.action({ params: { port: 'integer' } });
      const step = await world.remoteStep({ actions: [action.name, 'conf-no-action'] });
      await asked.expect(
        { method: 'POST', path: '/task_step/list', body: { page_size: 4 } },
        {
          data: both(
            listWith(objectWith({ id: exactly(1), name: exactly('create_vm'), type: exactly('vm') })),
            listWith(objectWith({ id: exactly(2), name: exactly('return_vm'), type: exactly('vm') })),
            listWith(objectWith({ id: exactly(3), name: exactly('register'), type: exactly('sd') })),
            listWith(objectWith({ id: exactly(4), name: exactly('unregister'), type: exactly('sd') })),
          ),
          paged: true,
        },
      );
      await asked.expect(
        { method: 'POST', path: '/task_step/list', body: { name: step.name } },
        {
          data: exactly([
            {
              id: step.id + 4,
              name: step.name,
              desc: step.desc,
              type: 'remote',
              params: { port: 'integer' },
            },
          ]),
          paged: true,
        },
      );
    },
  ),
  effect('action.delete', 'its implementation goes with it', async (asked) => {
    const impl = await asked.world.actimpl();
    await asked.data('POST', `/action/delete/${impl.action_id}`);
    await asked.expect(
      { method: 'POST', path: `/actimpl/${impl.id}`, body: { by: 'impl' } },
      exactRefusal(404, 'actimpl in db not found', {}),
    );
  }),
  effect('actimpl.info', 'by says whose id it is', async (asked) => {
    const { id, action_id, template } = await asked.world.actimpl();
    const data = having({ id, action_id, type: 'ansible', template });
    await asked.expect({ method: 'POST', path: `/actimpl/${id}`, body: { by: 'impl' } }, { data });
    await asked.expect({ method: 'GET', path: `/actimpl/${action_id}`, query: { by: 'action' } }, { data });
  }),
  effect('actimpl.update', 'an implementation moves to a free action', async (asked) => {
    const impl = await asked.world.actimpl();
    const action = await asked.world.action();
    await asked.data('POST', `/actimpl/update/${impl.id}`, { by: 'impl', action_id: action.id });
    await asked.expect(
      { method: 'POST', path: `/actimpl/${impl.id}`, body: { by: 'impl' } },
      { data: objectWith({ action_id: exactly(action.id) }) },
    );
  }),
  effect('actimpl.delete', 'by the id of its action when that is said', async (asked) => {
    const impl = await asked.world.actimpl();
    await asked.data('POST', `/actimpl/delete/${impl.action_id}?by=action`);
    await asked.expect(
      { method: 'POST', path: `/actimpl/${impl.action_id}`, body: { by: 'action' } },
      exactRefusal(404, 'actimpl in db not found', {}),
    );
  }),
  effect('actimpl.create', 'a module that is not known is stored', async (asked) => {
    const action_id = (await asked.world.action()).id;
    const template = { action: { module: 'copy', src: 'a' } };
    const id = await asked.data('POST', '/actimpl/create', { type: 'ansible', action_id, template });
    await asked.expect(
      { method: 'POST', path: `/actimpl/${action_id}` },
      { data: having({ id, action_id, type: 'ansible', template }) },
    );
  }),
  idIgnored('cluster.create', '/cluster/create', async ({ world }) => ({
    name: world.name(),
    desc: '',
    biz: '',
  })),
  idIgnored('action.create', '/action/create', async ({ world }) => ({
    name: world.name(),
    desc: '',
    params: {},
  })),
  idIgnored('remote_step.create', '/remote_step/create', async ({ world }) => ({
    name: world.name(),
    desc: '',
    actions: [],
  })),
  idIgnored('task_tpl.create', '/task_tpl/create', async ({ world }) => ({
    name: world.name(),
    desc: '',
    steps: [],
  })),
  idIgnored('actimpl.create', '/actimpl/create', async ({ world }) => ({
    type: 'ansible',
    action_id: (await world.action()).id,
    template: shellTemplate('true'),
  })),
  effect('remote_step.info', 'actions under both names', async (asked) => {
    const step = await asked.world.remoteStep({ actions: ['b', 'a', 'b'] });
    await asked.expect(
      { method: 'POST', path: `/remote_step/${step.id}` },
      { data: having({ ...step, action: ['b', 'a', 'b'] }) },
    );
  }),
  effect(
    'action.update',
    'the name stays while a remote step uses it, the rest can change',
    async (asked) => {
      const { world } = asked;
      const action = await world.action();
      await world.remoteStep({ actions: [action.name] });
      const body = { name: action.name, desc: 'used', params: { a: 'string' } };
      await asked.data('POST', `/action/update/${action.id}`, body);
      await asked.expect(
        { method: 'POST', path: `/action/${action.id}` },
        { data: having({ id: action.id, ...body }) },
      );
    },
  ),
  effect('task_tpl.update', 'a template gets other steps', async (asked) => {
    const { world } = asked;
    const template = await world.template();
    const steps = [stepOption('create_vm'), ...template.steps];
    await asked.data('POST', `/task_tpl/update/${template.id}`, { steps });
    await asked.expect(
      { method: 'POST', path: `/task_tpl/${template.id}` },
      { data: objectWith({ name: exactly(template.name), steps: exactly(steps) }) },
    );
  }),
  effect('pool.create', 'of a service that has no pool yet', async (asked) => {
    const pool = await asked.world.pool();
    await asked.expect(
      { method: 'GET', path: '/pool/list', query: { name: pool.name } },
      {
        data: listOf(
          objectWith({ id: exactly(pool.id), name: text, is_bedepen: exactly(0), is_hascron: exactly(0) }),
          1,
        ),
        paged: true,
      },
    );
    await asked.expect(
      { method: 'DELETE', path: `/service/delete/${pool.service_id}` },
      { code: 400, text: '', data: [], says: 'pools' },
    );
  }),
];
