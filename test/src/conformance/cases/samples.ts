import type { Asked, Case } from '../case.js';
import { type Expectation, refusal } from '../expectation.js';
import type { ApiRequest } from '../http.js';
import { exactly, id, listOf, mapOf, objectWith, text } from '../shape.js';
import { shellTemplate, stepOption } from '../world.js';

/*
 * The requests that the API's documents print, made sendable: with quotes closed, ids of things that exist and names that
 * are free, everything else as printed.
 */

type Sample = [request: ApiRequest, expectation: Expectation];

function sample(rule: string, of: (asked: Asked) => Promise<Sample>): Case {
  return {
    endpoint: 'sample',
    rule,
    run: async (asked) => {
      const [request, expectation] = await of(asked);
      await asked.expect(request, expectation);
    },
  };
}

/** A form under the type that the samples give it. */
const PAGE = 'page=1&page_size=10';
const list = (fields: string[]): Expectation => ({
  data: listOf(objectWith(Object.fromEntries(fields.map((name) => [name, name.endsWith('id') ? id : text])))),
  paged: true,
  page: 1,
  page_size: 10,
});
const templates: Expectation = {
  data: listOf(objectWith({ id, name: text, desc: text, steps: listOf(objectWith({})) })),
  paged: true,
  page: 1,
  page_size: 10,
};
const post = (path: string, body?: object | string): ApiRequest => ({
  method: 'POST',
  path,
  ...(body === undefined ? {} : { body }),
});

export const sampleCases: Case[] = [
  sample('clusters are listed', async () => [
    { method: 'GET', path: '/cluster/list', query: { page: '1', page_size: '10' } },
    list(['id', 'name', 'desc', 'biz']),
  ]),
  sample('a cluster is created', async ({ world }) => [
    post('/cluster/create', { name: world.name('SamplePlatform'), desc: 'Sample Platform', biz: '平台' }),
    { data: id },
  ]),
  sample('a cluster is changed', async ({ world }) => [
    post(`/cluster/update/${(await world.cluster()).id}`, {
      name: world.name('SamplePlatform'),
      desc: 'Sample Platform',
      biz: '平台',
    }),
    { data: exactly('') },
  ]),
  sample('a cluster is deleted', async ({ world }) => [
    post(`/cluster/delete/${(await world.cluster()).id}`),
    { data: exactly('') },
  ]),
  sample('a cluster is read', async ({ world }) => [
    post(`/cluster/${(await world.cluster()).id}`),
    { data: objectWith({ id, name: text, desc: text, biz: text }) },
  ]),
  sample('services of a cluster', async ({ world }) => [
    post(`/cluster/${(await world.service()).cluster_id}/list_services%20`, PAGE),
    list(['id', 'name', 'desc', 'docker_image', 'cluster_id']),
  ]),
  sample('a service is created by GET', async ({ world }) => [
    {
      method: 'GET',
      path: '/service/create',
      body: {
        name: world.name('web_service'),
        desc: 'web服务',
        service_type: 'Java',
        docker_image: 'myregistry/myweb:1.0',
        cluster_id: (await world.cluster()).id,
      },
    },
    { data: objectWith({ id }) },
  ]),
  sample('a service is deleted', async ({ world }) => [
    { method: 'DELETE', path: `/service/delete/${(await world.service()).id}` },
    { data: exactly({}) },
  ]),
  sample('a service is read', async ({ world }) => [
    { method: 'GET', path: `/service/${(await world.service()).id}` },
    {
      data: objectWith({
        id,
        name: text,
        desc: text,
        service_type: text,
        docker_image: text,
        cluster_id: id,
      }),
    },
  ]),
  sample('pools of a service', async ({ world }) => [
    post(`/service/${(await world.pool()).service_id}/list_pools`, PAGE),
    list(['id', 'name', 'desc', 'service_id']),
  ]),
  sample('a pool sent to the address of services is refused', async ({ world }) => [
    {
      method: 'GET',
      path: '/service/create',
      body: { name: world.name('web_pool'), desc: 'web服务池', vm_type: 1, sd_id: 1, service_id: 1 },
    },
    refusal(400, '请求参数解析错误', []),
  ]),
  sample('a pool is created', async ({ world }) => [
    {
      method: 'GET',
      path: '/pool/create',
      body: {
        name: world.name('web_pool'),
        desc: 'web服务池',
        vm_type: 1,
        sd_id: 1,
        service_id: (await world.service()).id,
      },
    },
    { data: objectWith({ id }) },
  ]),
  sample('a pool is deleted', async ({ world }) => [
    { method: 'DELETE', path: `/pool/delete/${(await world.pool()).id}` },
    { data: exactly({}) },
  ]),
  sample('a pool is changed by DELETE', async ({ world }) => [
    {
      method: 'DELETE',
      path: `/pool/update/${(await world.pool()).id}`,
      body: { name: world.name('web_pool'), desc: 'web服务池', vm_type: 1, sd_id: 1 },
    },
    { data: exactly({}) },
  ]),
  sample('a pool is read', async ({ world }) => [
    { method: 'GET', path: `/pool/${(await world.pool({ vm_type: 1, sd_id: 2 })).id}` },
    {
      data: objectWith({
        id,
        name: text,
        desc: text,
        vm_type: exactly(1),
        sd_id: exactly(2),
        service_id: id,
      }),
    },
  ]),
  sample('nodes of a pool', async ({ world }) => [
    post(`/pool/${(await world.node()).pool_id}/list_nodes`, PAGE),
    list(['id', 'ip', 'vnode_type']),
  ]),
  sample('nodes are entered by GET', async ({ world }) => [
    {
      method: 'GET',
      path: `/pool/${(await world.pool()).id}/add_nodes`,
      body: { nodes: [world.ip(), world.ip(), world.ip()] },
    },
    { data: listOf(id, 3) },
  ]),
  sample('nodes are removed', async ({ world }) => {
    const node = await world.node();
    return [
      { method: 'DELETE', path: `/pool/${node.pool_id}/remove_nodes`, body: { nodes: [node.ip] } },
      { data: exactly({}) },
    ];
  }),
  sample('pools are found by address', async () => [
    post('/pool/search_by_ip/203.0.113.160,203.0.113.161'),
    { data: exactly({ '203.0.113.160': -1, '203.0.113.161': -1 }) },
  ]),
  sample('a template is created by GET', async ({ world }) => [
    {
      method: 'GET',
      path: '/task/impl/create',
      body: {
        name: world.name('tpl1'),
        desc: 'Template 1',
        steps: [
          {
            name: (await world.remoteStep()).name,
            param_values: { time: 1 },
            retry: { retry_times: 2, ignore_error: false },
          },
          {
            name: (await world.remoteStep()).name,
            param_values: { name: 'aaa' },
            retry: { retry_times: 1, ignore_error: true },
          },
        ],
      },
    },
    { data: id },
  ]),
  sample('a template is deleted, its id in the body', async ({ world }) => [
    post('/task/impl/delete', { id: (await world.template()).id }),
    { data: exactly(null) },
  ]),
  sample('templates are listed by GET with a form', async () => [
    { method: 'GET', path: '/task/impl/list', body: PAGE },
    templates,
  ]),
  sample('a task is created', async ({ world }) => [
    post('/task/create', {
      template_id: (await world.runnableTemplate()).id,
      task_name: 'expand_nignix',
      timeout: 10,
      auto: 1,
      max_ratio: 20,
      max_num: 10,
      opr_user: 'root',
      nodes: [{ ip: (await world.node()).ip }],
      params: [{ '': '' }],
    }),
    { data: exactly(null) },
  ]),
  sample('that body sent to the list of clusters gets the list', async () => [
    {
      method: 'GET',
      path: '/cluster/list',
      body: { template_id: 1, task_name: 'a', nodes: [{ '': 'object' }] },
    },
    list(['id', 'name', 'desc', 'biz']),
  ]),
  sample('a task is started', async ({ world }) => {
    const task = await world.task();
    return [post(`/task/start/${task.id}`, { id: task.id }), { data: exactly(null) }];
  }),
  sample('a task is paused', async ({ world }) => {
    const task = await world.task(1);
    return [post(`/task/pause/${task.id}%20`, { id: task.id }), { data: exactly(null) }];
  }),
  sample('a task is stopped', async ({ world }) => {
    const task = await world.task();
    return [post(`/task/stop/${task.id}`, { id: task.id }), { data: exactly(null) }];
  }),
  sample('the log of a task', async ({ world }) => [
    post(`/task/${(await world.task()).id}/log`),
    { data: listOf(objectWith({ id, fid: id, message: text }), 1) },
  ]),
  sample('tasks are listed', async ({ world }) => {
    await world.task();
    return [
      post('/task/list', { page: 1, page_size: 10 }),
      list(['id', 'template_name', 'task_name', 'created']),
    ];
  }),
  sample('a task is read', async ({ world }) => [
    post(`/task/${(await world.task()).id}`),
    { ...list(['id', 'template_id', 'pool_name']), query_count: 1 },
  ]),
  sample('scheduled tasks for expanding', async ({ world }) => [
    post(`/task/expandList/${(await world.pool()).id}`),
    { data: exactly([]) },
  ]),
  sample('scheduled tasks for uploading', async ({ world }) => [
    post(`/task/uploadList/${(await world.pool()).id}`),
    { data: exactly([]) },
  ]),
  sample('nodes of a task', async ({ world }) => [
    post(`/task/${(await world.task()).id}/detail%20`),
    { data: listOf(objectWith({ id, ip: text, pool_name: text, vm_id: text, created: text }), 1) },
  ]),
  sample('a scheduled task is saved, alternatives printed as one value', async ({ world }) => [
    post('/task/saveTask%20', {
      id: 0,
      pool_id: (await world.pool()).id,
      cron_itmes: [],
      depend_itmes: [],
      type: ' expand/upload',
      exec_type: 'crontab/depend',
    }),
    { data: exactly(true) },
  ]),
  sample('a template without steps is created', async ({ world }) => [
    post('/task_tpl/create', { id: 1, name: world.name('Sample Platform'), desc: '平台', steps: [] }),
    { data: id },
  ]),
  sample('templates are listed', async () => [post('/task_tpl/list', { page: 1, page_size: 10 }), templates]),
  sample('the address of updates without a body is refused', async ({ world }) => [
    post(`/task_tpl/update/${(await world.template()).id}`),
    refusal(400, 'db server lost...', {}),
  ]),
  sample('a template is deleted', async ({ world }) => [
    post(`/task_tpl/delete/${(await world.template()).id}`),
    { data: exactly(null) },
  ]),
  sample('a template is read', async ({ world }) => [
    post(`/task_tpl/${(await world.template()).id}`),
    { data: objectWith({ id, name: text, desc: text, steps: listOf(objectWith({ name: text }), 1) }) },
  ]),
  sample('a template is changed', async ({ world }) => [
    post(`/task_tpl/update/${(await world.template()).id}`, {
      id: 1,
      name: world.name('SamplePlatform'),
      desc: 'Sample Platform',
      steps: [{ name: 'create_vm', param_values: {}, retry: {} }],
    }),
    { data: exactly('') },
  ]),
  sample('usable steps are listed', async () => [
    post('/task_step/list', { page: 1, page_size: 10 }),
    list(['id', 'name', 'desc', 'type']),
  ]),
  sample('remote steps are listed by GET with a form', async () => [
    { method: 'GET', path: '/remote_step/list', body: PAGE },
    list(['id', 'name', 'desc']),
  ]),
  sample('a remote step is created', async ({ world }) => [
    post('/remote_step/create', { name: world.name('step'), desc: 'Step', actions: ['action1', 'action2'] }),
    { data: id },
  ]),
  sample('a remote step is changed', async ({ world }) => [
    post(`/remote_step/update/${(await world.remoteStep()).id}`, {
      name: world.name('step'),
      desc: 'Step',
      actions: ['action1', 'action2', 'action3'],
    }),
    { data: exactly('') },
  ]),
  sample('a remote step is deleted', async ({ world }) => [
    post(`/remote_step/delete/${(await world.remoteStep()).id}`),
    { data: exactly('') },
  ]),
  sample('a remote step is read', async ({ world }) => [
    post(`/remote_step/${(await world.remoteStep()).id}`),
    { data: objectWith({ id, name: text, desc: text, actions: listOf(text, 1) }) },
  ]),
  sample('actions are listed by GET with a form', async () => [
    { method: 'GET', path: '/action/list', body: PAGE },
    list(['id', 'name', 'desc']),
  ]),
  sample('an action is created', async ({ world }) => [
    post('/action/create', { name: world.name('command'), desc: 'Command', params: { time: 'integer' } }),
    { data: id },
  ]),
  sample('an action is changed, without a name', async ({ world }) => [
    post(`/action/update/${(await world.action()).id}`, { desc: 'Command xx', params: { time: 'integer' } }),
    { data: exactly('') },
  ]),
  sample('an action with text after its JSON is refused', async ({ world }) => [
    post(
      `/action/update/${(await world.action()).id}`,
      '{"desc":"Command xx", "params":{"time": "integer"}}", "action3"]}',
    ),
    refusal(400, '', null),
  ]),
  sample('an action is deleted', async ({ world }) => [
    post(`/action/delete/${(await world.action()).id}`),
    { data: exactly('') },
  ]),
  sample('an action is read', async ({ world }) => [
    post(`/action/${(await world.action()).id}`),
    { data: objectWith({ id, name: text, desc: text, params: mapOf(text) }) },
  ]),
  sample('a template is created at its third address', async ({ world }) => [
    post('/action/impl/create%20', { id: 1, name: world.name('Sample Platform'), desc: '平台', steps: [] }),
    { data: id },
  ]),
  sample('templates are listed at their third address', async () => [
    post('/action/impl/list', { page: 1, page_size: 10 }),
    templates,
  ]),
  sample('a template is deleted at its third address', async ({ world }) => [
    post(`/action/impl/delete/${(await world.template({ steps: [stepOption('create_vm')] })).id}`),
    { data: exactly(null) },
  ]),
  sample('implementations are listed by GET with a form', async () => [
    { method: 'GET', path: '/actimpl/list', body: PAGE },
    list(['id', 'type', 'action_id']),
  ]),
  sample('an implementation is created', async ({ world }) => [
    post('/actimpl/create', {
      action_id: (await world.action()).id,
      type: 'ansible',
      template: shellTemplate('which {{exec}}'),
    }),
    { data: id },
  ]),
  sample('an implementation is changed', async ({ world }) => {
    const impl = await world.actimpl();
    return [
      post(`/actimpl/update/${impl.id}?by=impl`, {
        action_id: impl.action_id,
        type: 'ansible',
        template: shellTemplate('which {{exec}}'),
      }),
      { data: exactly('') },
    ];
  }),
  sample('an implementation is deleted', async ({ world }) => [
    post(`/actimpl/delete/${(await world.actimpl()).id}`),
    { data: exactly('') },
  ]),
  sample('an implementation is read', async ({ world }) => [
    post(`/actimpl/${(await world.actimpl()).action_id}`),
    {
      data: objectWith({
        id,
        action_id: id,
        type: exactly('ansible'),
        template: objectWith({ action: objectWith({}) }),
      }),
    },
  ]),
];
