import { catalog, inventory, type Rpc, ServiceError, type ServiceErrorCode, tasks } from '@rigel/contracts';
import { assertMatches } from '@rigel/messaging';
import t, { type Test } from 'tap';
import type { Method } from './endpoint.js';
import { endpoints } from './routes/index.js';
import { answerEverything } from './testing/answers.js';
import { startTestGateway } from './testing/gateway.js';
import {
  actimpl,
  action,
  cluster,
  node,
  pool,
  remoteStep,
  runs,
  service,
  task,
  template,
  usableStep,
} from './testing/rows.js';

/*
 * The whole API as a table: under which methods and addresses each endpoint answers, with what data, what it asks the
 * service in charge, and the code, text and data of its failures.
 */

interface Row {
  id: string;
  /** `METHOD[,METHOD] /path`, one line for each address. */
  at: string[];
  body?: Record<string, unknown>;
  /** `data` of the success; by method where methods differ. */
  data?: unknown | ((method: Method) => unknown);
  paged?: true;
  rpc?: Rpc;
  /** What the service is asked. */
  asks?: Record<string, unknown>;
  /** [what the service says, field], code, msg, data */
  failures: [string, number, string, unknown][];
  /** Address, and code, msg and data of a request there without parameters. */
  unusable?: [string, number, string, unknown];
}

const RW = { GET_POST: 'GET,POST', POST_DELETE: 'POST,DELETE' };
const LOST = 'db server lost...';
const gone = (text: string, data: unknown): [string, number, string, unknown] => [
  'not_found',
  404,
  text,
  data,
];
const lost = (data: unknown): [string, number, string, unknown][] => [
  ['unavailable', 400, `${LOST}: why`, data],
  ['not_found', 400, `${LOST}: why`, data],
  ['conflict', 400, `${LOST}: why`, data],
  ['in_use', 400, `${LOST}: why`, data],
  ['invalid', 400, `${LOST}: why`, data],
];

const remoteStepRow = { ...remoteStep, action: remoteStep.actions };
const taskRow = {
  ...task,
  Status: 1,
  Stat: [1, 1, 1, 1, 1],
  created: '2017-07-27 13:39:55',
  updated: '2017-07-27 13:41:00',
};
const runRows = [
  {
    id: 21,
    ip: '10.0.0.7',
    state: 3,
    pool_name: 'shop-a',
    vm_id: '3',
    created: '2017-07-27 13:39:55',
    updated: '2017-07-27 13:41:00',
    step: 'restart',
    node_id: 6,
    batch_id: 1,
    Created: '2017-07-27T13:39:55.000Z',
    Updated: '2017-07-27T13:41:00.000Z',
    steps: { name: 'restart', num: 1, list: runs[0]?.steps },
  },
  {
    id: 22,
    ip: '10.0.0.8',
    state: 0,
    pool_name: 'shop-a',
    vm_id: '',
    created: '2017-07-27 13:39:55',
    updated: '2017-07-27 13:39:55',
    step: '',
    node_id: 16,
    batch_id: 2,
    Created: '2017-07-27T13:39:55.000Z',
    Updated: '2017-07-27T13:39:55.000Z',
    steps: {},
  },
];
const nodeLogData = [{ restart: 'one\ntwo' }, JSON.parse('{"__proto__": ""}')];
const stepInput = {
  name: 'restart',
  param_values: { tag: 'v1' },
  retry: { retry_times: '2', ignore_error: 1 },
};
const page = { page: 1, page_size: 10 };

const TABLE: Row[] = [
  {
    id: 'cluster.list',
    at: [`${RW.GET_POST} /cluster/list`],
    data: [cluster],
    paged: true,
    rpc: inventory.listClusters,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'cluster.create',
    at: ['POST /cluster/create'],
    body: { name: 'web', desc: '', biz: 1, id: 5 },
    data: 31,
    rpc: inventory.createCluster,
    asks: { name: 'web', desc: '', biz: '1' },
    failures: lost({}),
    unusable: ['/cluster/create', 400, `${LOST}: name is missing`, {}],
  },
  {
    id: 'cluster.update',
    at: ['POST /cluster/update/2'],
    body: { name: 'web' },
    data: '',
    rpc: inventory.updateCluster,
    asks: { id: 2, name: 'web' },
    failures: lost(null),
    unusable: ['/cluster/update/2', 400, `${LOST}: name is missing`, null],
  },
  {
    id: 'cluster.delete',
    at: [`${RW.POST_DELETE} /cluster/delete/2`],
    data: '',
    rpc: inventory.deleteCluster,
    asks: { id: 2 },
    failures: lost(null),
    unusable: ['/cluster/delete/x', 400, `${LOST}: id must be integer (got x)`, null],
  },
  {
    id: 'cluster.info',
    at: [`${RW.GET_POST} /cluster/2`],
    data: cluster,
    rpc: inventory.getCluster,
    asks: { id: 2 },
    failures: [gone('cluster in db not found', {}), ['unavailable', 400, 'id is error...: why', {}]],
    unusable: ['/cluster/x', 400, 'id is error...: id must be integer (got x)', {}],
  },
  {
    id: 'cluster.list_services',
    at: [`${RW.GET_POST} /cluster/2/list_services`],
    data: [service],
    paged: true,
    rpc: inventory.listServices,
    asks: { ...page, cluster_id: 2 },
    failures: [
      ['not_found cluster_id', 400, 'error...: why', {}],
      ['unavailable', 400, 'error...: why', {}],
    ],
    unusable: ['/cluster/x/list_services', 400, 'error...: id must be integer (got x)', {}],
  },
  {
    id: 'service.create',
    at: ['POST,GET /service/create'],
    body: { name: 'shop', desc: '', service_type: 'Java', docker_image: '-', cluster_id: '2' },
    data: { id: 32 },
    rpc: inventory.createService,
    asks: { name: 'shop', desc: '', service_type: 'Java', docker_image: '-', cluster_id: 2 },
    failures: [
      ['not_found cluster_id', 400, '请求参数解析错误: why', []],
      ['conflict', 400, '请求参数解析错误: why', []],
      ['unavailable', 400, '请求参数解析错误: why', []],
    ],
    unusable: ['/service/create', 400, '请求参数解析错误: name is missing', []],
  },
  {
    id: 'service.update',
    at: ['POST /service/update/3'],
    body: { docker_image: 'registry/shop:2.0' },
    data: '',
    rpc: inventory.updateService,
    asks: { id: 3, docker_image: 'registry/shop:2.0' },
    failures: [
      ['not_found', 404, '数据库操作失败: why', []],
      ['not_found cluster_id', 400, '请求参数解析错误: why', []],
      ['conflict name', 400, '请求参数解析错误: why', []],
    ],
    unusable: [
      '/service/update/3',
      400,
      '请求参数解析错误: nothing to change: none of name, desc, service_type, docker_image, cluster_id is given',
      [],
    ],
  },
  {
    id: 'service.delete',
    at: ['DELETE,POST /service/delete/3'],
    data: {},
    rpc: inventory.deleteService,
    asks: { id: 3 },
    failures: [
      ['not_found', 404, '数据库操作失败: why', []],
      ['unavailable', 404, '数据库操作失败: why', []],
      ['in_use', 400, 'why', []],
    ],
    unusable: ['/service/delete/x', 400, 'id is error: id must be integer (got x)', []],
  },
  {
    id: 'service.info',
    at: [`${RW.GET_POST} /service/3`],
    data: service,
    rpc: inventory.getService,
    asks: { id: 3 },
    failures: [gone('db error', []), ['unavailable', 400, 'id is error !: why', []]],
    unusable: ['/service/x', 400, 'id is error !: id must be integer (got x)', []],
  },
  {
    id: 'service.list_pools',
    at: [`${RW.GET_POST} /service/3/list_pools`],
    data: [pool],
    paged: true,
    rpc: inventory.listPools,
    asks: { ...page, service_id: 3 },
    failures: [
      ['not_found service_id', 400, 'error...: why', {}],
      ['unavailable', 400, 'error...: why', {}],
    ],
    unusable: ['/service/x/list_pools', 400, 'error...: id must be integer (got x)', {}],
  },
  {
    id: 'pool.create',
    at: ['POST,GET /pool/create'],
    body: {
      name: 'shop-a',
      desc: '',
      vm_type: '1',
      sd_id: 5,
      service_id: 3,
      tasks: { deploy: '9', expand: 0, shrink: null },
    },
    data: { id: 33 },
    rpc: inventory.createPool,
    asks: { name: 'shop-a', desc: '', vm_type: 1, sd_id: 5, service_id: 3, tasks: { deploy: 9 } },
    failures: [
      ['not_found service_id', 400, '请求参数解析错误: why', []],
      ['conflict name', 400, '请求参数解析错误: why', []],
    ],
    unusable: ['/pool/create', 400, '请求参数解析错误: name is missing', []],
  },
  {
    id: 'pool.delete',
    at: ['DELETE,POST /pool/delete/4'],
    data: {},
    rpc: inventory.deletePool,
    asks: { id: 4 },
    failures: [
      ['not_found', 400, 'data not found', []],
      ['in_use', 400, 'node exists in this pool', []],
      ['unavailable', 400, 'fail to delete pool: why', []],
    ],
    unusable: ['/pool/delete/x', 400, 'data not found: id must be integer (got x)', []],
  },
  {
    id: 'pool.update',
    at: ['POST,DELETE /pool/update/4'],
    body: { vm_type: 2, tasks: { expand: '3' }, name: null },
    data: {},
    rpc: inventory.updatePool,
    asks: { id: 4, vm_type: 2, tasks: { expand: 3 } },
    failures: [
      ['not_found', 404, '数据库操作失败: why', []],
      ['unavailable', 404, '数据库操作失败: why', []],
      ['invalid service_id', 400, '参数解析错误: why', []],
      ['conflict name', 400, '参数解析错误: why', []],
    ],
    unusable: [
      '/pool/update/4',
      400,
      '参数解析错误: nothing to change: none of name, desc, vm_type, sd_id, service_id, tasks is given',
      [],
    ],
  },
  {
    id: 'pool.list',
    at: [`${RW.GET_POST} /pool/list`],
    data: [{ ...pool, is_bedepen: 0, is_hascron: 0 }],
    paged: true,
    rpc: inventory.listPools,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'pool.info',
    at: [`${RW.GET_POST} /pool/4`],
    data: pool,
    rpc: inventory.getPool,
    asks: { id: 4 },
    failures: [gone('db error', []), ['unavailable', 404, 'db error: why', []]],
    unusable: ['/pool/x', 404, 'db error: id must be integer (got x)', []],
  },
  {
    id: 'pool.list_nodes',
    at: [`${RW.GET_POST} /pool/4/list_nodes`],
    data: [{ ...node, vnode_type: 'manual' }],
    paged: true,
    rpc: inventory.listNodes,
    asks: { ...page, pool_id: 4 },
    failures: [
      ['not_found pool_id', 400, 'error...: why', {}],
      ['unavailable', 400, 'error...: why', {}],
    ],
    unusable: ['/pool/x/list_nodes', 400, 'error...: id must be integer (got x)', {}],
  },
  {
    id: 'pool.add_nodes',
    at: ['POST,GET /pool/4/add_nodes'],
    body: { nodes: ['10.0.0.7', ' 10.0.0.8 '] },
    data: [41, 42],
    rpc: inventory.addNodes,
    asks: { pool_id: 4, nodes: ['10.0.0.7', ' 10.0.0.8 '] },
    failures: [
      ['conflict', 404, 'ip exists already: why', []],
      ['not_found', 404, 'pool_id is not vaild', []],
      ['not_found pool_id', 404, 'pool_id is not vaild', []],
      ['invalid nodes', 404, 'ip is empty: why', []],
      ['unavailable', 404, '请求参数解析错误: why', []],
    ],
    unusable: ['/pool/x/add_nodes', 404, 'pool_id is not vaild', []],
  },
  {
    id: 'pool.remove_nodes',
    at: ['DELETE,POST,GET /pool/4/remove_nodes'],
    body: { nodes: ['10.0.0.7', 6, '16'] },
    data: {},
    rpc: inventory.removeNodes,
    asks: { pool_id: 4, nodes: ['10.0.0.7', 6, '16'] },
    failures: [
      ['not_found nodes', 404, 'error when delete id...: why', []],
      ['not_found', 404, 'error when delete id...: why', []],
      ['in_use', 400, 'why', []],
      ['unavailable', 400, '参数解析出错: why', []],
    ],
    unusable: ['/pool/4/remove_nodes', 400, '参数解析出错: nodes is missing', []],
  },
  {
    id: 'pool.search_by_ip',
    at: [`${RW.GET_POST} /pool/search_by_ip/10.0.0.7,%2010.0.0.8%20,,`],
    data: { '10.0.0.7': 4, '10.0.0.8': 4 },
    rpc: inventory.findPools,
    asks: { ips: ['10.0.0.7', '10.0.0.8'] },
    failures: [['unavailable', 400, `${LOST}: why`, {}]],
  },
  {
    id: 'pool.expand',
    at: ['POST /pool/expand/4'],
    body: { num: '2' },
    data: {},
    rpc: tasks.expand,
    asks: { pool_id: 4, num: 2, opr_user: 'root' },
    failures: [
      ['wrong_state', 400, 'why', {}],
      ['not_found', 400, 'why', {}],
    ],
    unusable: ['/pool/expand/4', 400, 'num is missing', {}],
  },
  {
    id: 'pool.shrink',
    at: ['POST /pool/shrink/4'],
    body: { nodes: ['10.0.0.7'] },
    data: {},
    rpc: tasks.shrink,
    asks: { pool_id: 4, nodes: ['10.0.0.7'], opr_user: 'root' },
    failures: [
      ['wrong_state', 400, 'why', {}],
      ['in_use nodes', 400, 'why', {}],
    ],
    unusable: ['/pool/shrink/4', 400, 'nodes is missing', {}],
  },
  {
    id: 'pool.deploy',
    at: ['POST /pool/deploy/4'],
    body: { max_num: 5, tag: 'shop:2.0', timeout: 'whatever' },
    data: {},
    rpc: tasks.deploy,
    asks: { pool_id: 4, max_num: 5, tag: 'shop:2.0', max_ratio: 100, opr_user: 'root' },
    failures: [
      ['wrong_state', 400, 'why', {}],
      ['invalid tag', 400, 'why', {}],
    ],
    unusable: ['/pool/deploy/4', 400, 'max_num is missing', {}],
  },
  {
    id: 'task_impl.create',
    at: ['POST,GET /task/impl/create'],
    body: { name: 'rollout', steps: [stepInput] },
    data: 37,
    rpc: catalog.createTemplate,
    asks: { name: 'rollout', desc: '', steps: template.steps },
    failures: [
      ['not_found steps', 404, 'step name not found: why', {}],
      ['conflict name', 404, 'step name not found: why', {}],
      ['unavailable', 404, 'step name not found: why', {}],
      ['invalid name', 400, 'json can not convert : why', {}],
    ],
    unusable: ['/task/impl/create', 400, 'json can not convert : name is missing', {}],
  },
  {
    id: 'task_impl.delete',
    at: [`${RW.POST_DELETE} /task/impl/delete`, `${RW.POST_DELETE} /task/impl/delete/9`],
    body: { id: '9' },
    data: null,
    rpc: catalog.deleteTemplate,
    asks: { id: 9 },
    failures: [gone('task impl not found', {}), ['unavailable', 404, 'task impl not found: why', {}]],
    unusable: ['/task/impl/delete', 404, 'task impl not found: id is missing', {}],
  },
  {
    id: 'task_impl.list',
    at: [`${RW.GET_POST} /task/impl/list`],
    data: [template],
    paged: true,
    rpc: catalog.listTemplates,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'task.create',
    at: ['POST,GET /task/create'],
    body: {
      template_id: '9',
      task_name: 'version 2',
      timeout: 10,
      auto: 0,
      max_ratio: 20,
      max_num: 10,
      max_fail_num: 1,
      opr_user: 'jane',
      nodes: [{ ip: '10.0.0.7' }, '10.0.0.8'],
      params: [{ '': '' }, { tag: 'v2' }],
    },
    data: null,
    rpc: tasks.create,
    asks: {
      template_id: 9,
      task_name: 'version 2',
      timeout: 10,
      auto: false,
      max_ratio: 20,
      max_num: 10,
      max_fail_num: 1,
      opr_user: 'jane',
      nodes: ['10.0.0.7', '10.0.0.8'],
      params: { tag: 'v2' },
    },
    failures: [
      ['not_found template_id', 400, 'error...: why', []],
      ['in_use nodes', 400, 'error...: why', []],
      ['invalid params', 400, 'error...: why', []],
      ['unavailable', 400, 'error...: why', []],
    ],
    unusable: ['/task/create', 400, 'error...: template_id is missing', []],
  },
  {
    id: 'task.start',
    at: ['POST,GET /task/start/11', 'POST,GET /task/start'],
    body: { id: 11 },
    data: null,
    rpc: tasks.start,
    asks: { id: 11, opr_user: 'root' },
    failures: [
      ['not_found', 400, 'flow not found id 11', {}],
      ['wrong_state', 400, 'why', {}],
    ],
    unusable: ['/task/start', 400, 'flow not found id ?', {}],
  },
  {
    id: 'task.pause',
    at: ['POST,GET /task/pause/11', 'POST,GET /task/pause'],
    body: { id: 11 },
    data: null,
    rpc: tasks.pause,
    asks: { id: 11, opr_user: 'root' },
    failures: [
      ['not_found', 400, 'pause flow 11 fails: why', {}],
      ['wrong_state', 400, 'pause flow 11 fails: why', {}],
    ],
    unusable: ['/task/pause', 400, 'pause flow ? fails: id is missing', {}],
  },
  {
    id: 'task.stop',
    at: ['POST,GET /task/stop/11', 'POST,GET /task/stop'],
    body: { id: 11 },
    data: null,
    rpc: tasks.stop,
    asks: { id: 11, opr_user: 'root' },
    failures: [
      ['not_found', 400, 'stop flow 11 fails: why', {}],
      ['wrong_state', 400, 'stop flow 11 fails: why', {}],
    ],
    unusable: ['/task/stop', 400, 'stop flow ? fails: id is missing', {}],
  },
  {
    id: 'task.log',
    at: [`${RW.GET_POST} /task/11/log`, `${RW.GET_POST} /task/flow/11/log`],
    data: [{ id: 61, fid: 11, batch_id: 2, correlation_id: '11-2', message: 'begun', ctime: 1_501_162_795 }],
    rpc: tasks.log,
    asks: { id: 11, after: 0 },
    failures: [['unavailable', 400, 'Flow not found: why', {}]],
    unusable: ['/task/x/log', 400, 'Flow not found: id must be integer (got x)', {}],
  },
  {
    id: 'task.list',
    at: [`${RW.GET_POST} /task/list`],
    data: [taskRow],
    paged: true,
    rpc: tasks.list,
    asks: page,
    failures: lost({}),
  },
  {
    id: 'task.info',
    at: [`${RW.GET_POST} /task/11`],
    data: (method: Method) => (method === 'GET' ? taskRow : [taskRow]),
    rpc: tasks.get,
    asks: { id: 11 },
    failures: [
      ['not_found', 400, 'flow not found id 11', null],
      ['unavailable', 400, `${LOST}: why`, null],
    ],
    unusable: ['/task/x', 400, `${LOST}: id must be integer (got x)`, null],
  },
  {
    id: 'task.expand_list',
    at: [`${RW.GET_POST} /task/expandList/4`],
    failures: [['', 400, 'Bad pool id...: task/expandList is not available in this version', {}]],
    unusable: ['/task/expandList/x', 400, 'Bad pool id...: poolId must be integer (got x)', {}],
  },
  {
    id: 'task.upload_list',
    at: [`${RW.GET_POST} /task/uploadList/4`],
    failures: [['', 400, 'Bad pool id...: task/uploadList is not available in this version', {}]],
    unusable: ['/task/uploadList/x', 400, 'Bad pool id...: poolId must be integer (got x)', {}],
  },
  {
    id: 'task.detail',
    at: [`${RW.GET_POST} /task/11/detail`],
    data: (method: Method) =>
      method === 'POST'
        ? runRows
        : {
            '0': [{ ...runRows[1], steps: '' }],
            '3': [{ ...runRows[0], steps: 'restart' }],
            total: 2,
          },
    rpc: tasks.detail,
    asks: { id: 11 },
    failures: [
      ['not_found', 400, 'Flow not found', {}],
      ['unavailable', 400, `${LOST}: why`, {}],
    ],
    unusable: ['/task/x/detail', 400, `${LOST}: id must be integer (got x)`, {}],
  },
  {
    id: 'task.save_task',
    at: ['POST /task/saveTask'],
    body: {
      id: 1,
      pool_id: 4,
      cron_itmes: [],
      depend_items: [{}],
      type: ' expand/upload',
      exec_type: 'crontab/depend',
    },
    failures: [['', 400, `${LOST}: task/saveTask is not available in this version`, {}]],
    unusable: ['/task/saveTask', 400, `${LOST}: id is missing`, {}],
  },
  {
    id: 'task.node_log',
    at: [`${RW.GET_POST} /task/node/21/log`],
    data: nodeLogData,
    rpc: tasks.nodeLog,
    asks: { id: 21 },
    failures: [
      ['not_found', 400, `${LOST}: why`, null],
      ['unavailable', 400, `${LOST}: why`, null],
    ],
    unusable: ['/task/node/x/log', 400, `${LOST}: nsid must be integer (got x)`, null],
  },
  {
    id: 'task_tpl.create',
    at: ['POST /task_tpl/create'],
    body: { id: '1', name: 'rollout', desc: '', steps: [stepInput] },
    data: 37,
    rpc: catalog.createTemplate,
    asks: { name: 'rollout', desc: '', steps: template.steps },
    failures: lost({}),
    unusable: ['/task_tpl/create', 400, `${LOST}: name is missing`, {}],
  },
  {
    id: 'task_tpl.list',
    at: [`${RW.GET_POST} /task_tpl/list`],
    data: [template],
    paged: true,
    rpc: catalog.listTemplates,
    asks: page,
    failures: lost({}),
  },
  {
    id: 'task_tpl.delete',
    at: [`${RW.POST_DELETE} /task_tpl/delete/9`],
    data: null,
    rpc: catalog.deleteTemplate,
    asks: { id: 9 },
    failures: [gone('data not found', {}), ['unavailable', 404, 'data not found: why', {}]],
    unusable: ['/task_tpl/delete/x', 404, 'data not found: id must be integer (got x)', {}],
  },
  {
    id: 'task_tpl.info',
    at: [`${RW.GET_POST} /task_tpl/9`],
    data: template,
    rpc: catalog.getTemplate,
    asks: { id: 9 },
    failures: [
      ['not_found', 404, 'error...: why', {}],
      ['unavailable', 404, 'error...: why', {}],
    ],
    unusable: ['/task_tpl/x', 404, 'error...: id must be integer (got x)', {}],
  },
  {
    id: 'task_tpl.update',
    at: ['POST /task_tpl/update/9'],
    body: { id: 10, desc: 'new', steps: [stepInput] },
    data: '',
    rpc: catalog.updateTemplate,
    asks: { id: 9, desc: 'new', steps: template.steps },
    failures: [['not_found steps', 400, `${LOST}: why`, {}], ...lost({})],
    unusable: [
      '/task_tpl/update/9',
      400,
      `${LOST}: nothing to change: none of name, desc, steps is given`,
      {},
    ],
  },
  {
    id: 'task_step.list',
    at: [`${RW.GET_POST} /task_step/list`],
    data: [usableStep],
    paged: true,
    rpc: catalog.listUsableSteps,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'remote_step.list',
    at: [`${RW.GET_POST} /remote_step/list`],
    data: [remoteStepRow],
    paged: true,
    rpc: catalog.listRemoteSteps,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'remote_step.create',
    at: ['POST /remote_step/create'],
    body: { name: 'restart', desc: '', action: ['stop', 'start'] },
    data: 36,
    rpc: catalog.createRemoteStep,
    asks: { name: 'restart', desc: '', actions: ['stop', 'start'] },
    failures: lost({}),
    unusable: ['/remote_step/create', 400, `${LOST}: name is missing`, {}],
  },
  {
    id: 'remote_step.update',
    at: ['POST /remote_step/update/10'],
    body: { actions: [] },
    data: '',
    rpc: catalog.updateRemoteStep,
    asks: { id: 10, actions: [] },
    failures: [
      gone('why', null),
      ['in_use', 404, 'why', null],
      ['conflict name', 400, `${LOST}: why`, null],
      ['unavailable', 400, `${LOST}: why`, null],
    ],
    unusable: [
      '/remote_step/update/10',
      400,
      `${LOST}: nothing to change: none of name, desc, actions is given`,
      null,
    ],
  },
  {
    id: 'remote_step.delete',
    at: [`${RW.POST_DELETE} /remote_step/delete/10`],
    data: '',
    rpc: catalog.deleteRemoteStep,
    asks: { id: 10 },
    failures: [gone('why', null), ['in_use', 404, 'why', null], ['unavailable', 400, `${LOST}: why`, null]],
    unusable: ['/remote_step/delete/x', 400, `${LOST}: id must be integer (got x)`, null],
  },
  {
    id: 'remote_step.info',
    at: [`${RW.GET_POST} /remote_step/10`],
    data: remoteStepRow,
    rpc: catalog.getRemoteStep,
    asks: { id: 10 },
    failures: [gone('remote_step in db not found', {}), ['unavailable', 400, 'id is error...: why', {}]],
    unusable: ['/remote_step/x', 400, 'id is error...: id must be integer (got x)', {}],
  },
  {
    id: 'action.list',
    at: [`${RW.GET_POST} /action/list`],
    data: [action],
    paged: true,
    rpc: catalog.listActions,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'action.create',
    at: ['POST /action/create'],
    body: { name: 'start', desc: '', params: { tag: 'string' } },
    data: 34,
    rpc: catalog.createAction,
    asks: { name: 'start', desc: '', params: { tag: 'string' } },
    failures: lost({}),
    unusable: ['/action/create', 400, `${LOST}: name is missing`, {}],
  },
  {
    id: 'action.update',
    at: ['POST /action/update/7'],
    body: { params: {} },
    data: '',
    rpc: catalog.updateAction,
    asks: { id: 7, params: {} },
    failures: [
      gone(`${LOST}: why`, null),
      ['in_use', 404, `${LOST}: why`, null],
      ['unavailable', 404, `${LOST}: why`, null],
      ['invalid params', 400, 'why', null],
      ['conflict name', 400, 'why', null],
    ],
    unusable: ['/action/update/7', 400, 'nothing to change: none of name, desc, params is given', null],
  },
  {
    id: 'action.delete',
    at: [`${RW.POST_DELETE} /action/delete/7`],
    data: '',
    rpc: catalog.deleteAction,
    asks: { id: 7 },
    failures: [
      gone(`${LOST}: why`, null),
      ['in_use', 404, `${LOST}: why`, null],
      ['unavailable', 404, `${LOST}: why`, null],
    ],
    unusable: ['/action/delete/x', 404, `${LOST}: id must be integer (got x)`, null],
  },
  {
    id: 'action.info',
    at: [`${RW.GET_POST} /action/7`],
    data: action,
    rpc: catalog.getAction,
    asks: { id: 7 },
    failures: [gone('action in db not found', {}), ['unavailable', 404, 'action in db not found: why', {}]],
    unusable: ['/action/x', 404, 'action in db not found: id must be integer (got x)', {}],
  },
  {
    id: 'action_impl.create',
    at: ['POST /action/impl/create'],
    body: { name: 'rollout', desc: '', steps: [] },
    data: 37,
    rpc: catalog.createTemplate,
    asks: { name: 'rollout', desc: '', steps: [] },
    failures: lost({}),
    unusable: ['/action/impl/create', 400, `${LOST}: name is missing`, {}],
  },
  {
    id: 'action_impl.list',
    at: [`${RW.GET_POST} /action/impl/list`],
    data: [template],
    paged: true,
    rpc: catalog.listTemplates,
    asks: page,
    failures: lost({}),
  },
  {
    id: 'action_impl.delete',
    at: [`${RW.POST_DELETE} /action/impl/delete/9`, `${RW.POST_DELETE} /action/impl/delete`],
    body: { id: 9 },
    data: null,
    rpc: catalog.deleteTemplate,
    asks: { id: 9 },
    failures: [gone('data not found', {})],
    unusable: ['/action/impl/delete', 404, 'data not found: id is missing', {}],
  },
  {
    id: 'actimpl.list',
    at: [`${RW.GET_POST} /actimpl/list`],
    data: [actimpl],
    paged: true,
    rpc: catalog.listActionImpls,
    asks: page,
    failures: lost([]),
  },
  {
    id: 'actimpl.create',
    at: ['POST /actimpl/create'],
    body: { type: 'ansible', action_id: '7', template: actimpl.template },
    data: 35,
    rpc: catalog.createActionImpl,
    asks: { type: 'ansible', action_id: 7, template: actimpl.template },
    failures: [['not_found action_id', 400, `${LOST}: why`, {}], ...lost({})],
    unusable: ['/actimpl/create', 400, `${LOST}: type is missing`, {}],
  },
  {
    id: 'actimpl.update',
    at: ['POST /actimpl/update/8'],
    body: { by: 'impl', action_id: 7 },
    data: '',
    rpc: catalog.updateActionImpl,
    asks: { id: 8, by: 'impl', action_id: 7 },
    failures: lost(null),
    unusable: [
      '/actimpl/update/8',
      400,
      `${LOST}: nothing to change: none of type, action_id, template is given`,
      null,
    ],
  },
  {
    id: 'actimpl.delete',
    at: [`${RW.POST_DELETE} /actimpl/delete/7?by=action`],
    data: '',
    rpc: catalog.deleteActionImpl,
    asks: { id: 7, by: 'action' },
    failures: lost(null),
    unusable: ['/actimpl/delete/x', 400, `${LOST}: id must be integer (got x)`, null],
  },
  {
    id: 'actimpl.info',
    at: [`${RW.GET_POST} /actimpl/7`],
    data: actimpl,
    rpc: catalog.getActionImpl,
    asks: { id: 7 },
    failures: [gone('actimpl in db not found', {}), ['unavailable', 400, 'id is error...: why', {}]],
    unusable: ['/actimpl/x', 400, 'id is error...: id must be integer (got x)', {}],
  },
];

/** Every method and address of a row. */
function requestsOf(row: Row): { method: Method; url: string }[] {
  return row.at.flatMap((line) => {
    const [methods, url] = line.split(' ') as [string, string];
    return methods.split(',').map((method) => ({ method: method as Method, url }));
  });
}

const { app, services, stop } = await startTestGateway();
t.teardown(stop);

async function send(method: Method, url: string, body?: unknown) {
  const response = await app.inject({
    method,
    url,
    headers: { authorization: 'root' },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: response.statusCode, headers: response.headers, json: response.json() };
}

t.test('the table holds every endpoint, each with all its methods and addresses', async (t) => {
  t.strictSame(
    TABLE.map(({ id }) => id).sort(),
    endpoints
      .map(({ id }) => id)
      .filter((id) => id !== 'task.events')
      .sort(),
    'but for the live one',
  );
  for (const row of TABLE) {
    const endpoint = endpoints.find(({ id }) => id === row.id);
    t.equal(row.at.length, endpoint?.paths.length, `${row.id} has as many addresses`);
    const methods = [...new Set(requestsOf(row).map(({ method }) => method))].sort();
    t.strictSame(methods, [...(endpoint?.methods ?? [])].sort(), `${row.id} has the same methods`);
  }
});

for (const row of TABLE) {
  t.test(row.id, async (t) => {
    for (const { method, url } of requestsOf(row)) {
      if (row.rpc) await succeeds(t, row, method, url);
      for (const [refusal, code, msg, data] of row.failures) {
        answerEverything(services);
        if (row.rpc) {
          const [error, field] = refusal.split(' ') as [ServiceErrorCode, string | undefined];
          services.on(row.rpc, () => {
            throw new ServiceError(error, 'why', field);
          });
        }
        const { status, json } = await send(method, url, row.body);
        t.strictSame([status, json], [code, { code, msg, data }], `${method} ${url}: ${refusal}`);
      }
      if (row.unusable) {
        const [address, code, msg, data] = row.unusable;
        const { status, json } = await send(method, address, {});
        t.strictSame([status, json], [code, { code, msg, data }], `${method} ${address} without parameters`);
      }
    }
    await breaks(t, row);
  });
}

async function succeeds(t: Test, row: Row, method: Method, url: string): Promise<void> {
  answerEverything(services);
  services.forget();
  const { status, json } = await send(method, url, row.body);
  const data = typeof row.data === 'function' ? row.data(method) : row.data;
  const paging = row.paged ? { page: 1, page_size: 10, query_count: 12 } : {};
  const single =
    row.id === 'task.info' && method === 'POST' ? { page: 1, page_size: 10, query_count: 1 } : {};
  t.strictSame(
    [status, json],
    [200, { code: 0, msg: 'success', data, ...paging, ...single }],
    `${method} ${url}`,
  );
  const result = endpoints.find(({ id }) => id === row.id)?.result;
  if (result)
    t.doesNotThrow(() => assertMatches(result, json.data), 'the data is what the documentation says');
  const asked = row.rpc && services.last(row.rpc);
  t.strictSame(asked?.data, row.asks, `${method} ${url} asks the service`);
}

/** A fault in a service is answered without its details. */
async function breaks(t: Test, row: Row): Promise<void> {
  if (!row.rpc) return;
  answerEverything(services);
  services.on(row.rpc, () => {
    throw new TypeError('the secret details');
  });
  const [request] = requestsOf(row);
  if (!request) return;
  const { status, json } = await send(request.method, request.url, row.body);
  t.strictSame(
    [status, json],
    [500, { code: 500, msg: 'internal error', data: {} }],
    'a fault in the service',
  );
}
