import type { EndpointSpec } from '../endpoint.js';
import { both, either, exactly, id, integer, listOf, mapOf, objectWith, oneOf, text } from '../shape.js';
import type { World } from '../world.js';
import { exactRefusal, listRefused, READ, refusal, SELECT_WRONG } from './common.js';
import { heldBy } from './tasks.js';

const nodeType = oneOf('manual', 'crontab');
const nodeRow = objectWith({
  id,
  ip: text,
  vm_id: text,
  status: oneOf(0, 1, 3),
  vnode_type: nodeType,
  node_type: nodeType,
  state: oneOf(0, 1, 2, 3, 4),
  pool_id: id,
  held_by: heldBy,
  last_task: either(id, exactly(null)),
  last_reason: text,
  version_tag: text,
  labels: mapOf(text),
});
const placedRow = both(
  nodeRow,
  objectWith({
    pool_name: text,
    service_id: id,
    service_name: text,
    cluster_id: id,
    cluster_name: text,
    host_key: text,
  }),
);

const parseFailed = refusal(404, '请求参数解析错误', []);
const noPool = exactRefusal(404, 'pool_id is not vaild', []);
const blank = refusal(404, 'ip is empty', []);
const exists = refusal(404, 'ip exists already', []);
const removeFailed = refusal(400, '参数解析出错', []);
const noNode = refusal(404, 'error when delete id...', []);

/** Refusals of the reads for the console: the reason alone. */
const refused = refusal(400, '', {});
const missing = refusal(404, '', {});
const sharedNode = (world: World) => world.shared('node', () => world.node());

const sharedPool = (world: World) => world.shared('pool', () => world.pool());

/** An IPv4 address with a port as IPv6 writes it: the same machine. */
const spelled = (ip: string): string => ip.replace(/^([\d.]+)/, '[::ffff:$1]');

export const nodes: EndpointSpec[] = [
  {
    id: 'pool.list_nodes',
    methods: ['POST', 'GET'],
    paths: ['/pool/:id/list_nodes'],
    access: 'read',
    alsoSent: { pool_id: '1' },
    valid: async (world) => ({ id: (await sharedPool(world)).id }),
    data: listOf(nodeRow),
    paged: {
      order: 'oldest first',
      filter: { param: 'ip', field: 'ip' },
      row: async (world, params) => {
        const { id, ip } = await world.node({ pool_id: Number(params.id) });
        return { id, keyword: ip };
      },
    },
    refusal: listRefused,
    unknownId: listRefused,
  },
  {
    id: 'pool.add_nodes',
    methods: ['POST', 'GET'],
    paths: ['/pool/:id/add_nodes'],
    access: 'write',
    key: 'kept',
    params: { nodes: { kind: 'structure' }, labels: { kind: 'structure' } },
    valid: async (world) => ({
      id: (await sharedPool(world)).id,
      nodes: [world.ip(), ` ${world.ip()} `],
      labels: { zone: 'a' },
    }),
    data: listOf(id, 2),
    refusal: parseFailed,
    badId: noPool,
    unknownId: noPool,
    wrong: [
      { what: 'no list', change: { nodes: undefined }, refusal: blank },
      { what: 'an empty list', change: { nodes: [] }, refusal: blank },
      { what: 'a blank entry', change: { nodes: ['10.85.41.166', '  '] }, refusal: blank },
      { what: 'a list as text', change: { nodes: '["10.85.41.166"]' } },
      { what: 'what is no address', change: { nodes: ['10.85.41.166', '10.85.41'] }, says: '10.85.41 ' },
      { what: 'an address twice', change: { nodes: ['198.51.100.1', ' 198.51.100.1'] }, refusal: exists },
      { what: 'a wrong key of a label', change: { labels: { 'a b': '' } }, says: 'a b is no key' },
      { what: 'a wrong value of a label', change: { labels: { zone: 'a b' } }, says: 'a b is no value' },
      {
        what: 'an address of another pool',
        change: async (world) => ({ nodes: ['198.51.100.2', (await world.node()).ip] }),
        refusal: exists,
      },
      {
        what: 'an address of another pool in another spelling',
        change: async (world) => ({ nodes: ['198.51.100.2', spelled((await world.node()).ip)] }),
        refusal: exists,
        says: 'entered as',
      },
      {
        what: 'one machine in two spellings',
        change: { nodes: ['198.51.100.1', '[::ffff:198.51.100.1]'] },
        refusal: exists,
      },
      {
        what: 'a pool that does not exist, and a blank entry: the pool is looked at first',
        change: { id: 2_147_483_003, nodes: [''] },
        refusal: noPool,
      },
      {
        what: 'a blank entry and an address twice: blanks are looked at first',
        change: { nodes: ['198.51.100.3', '198.51.100.3', ''] },
        refusal: blank,
      },
    ],
  },
  {
    id: 'pool.remove_nodes',
    methods: ['DELETE', 'POST', 'GET'],
    paths: ['/pool/:id/remove_nodes'],
    access: 'write',
    params: { nodes: { kind: 'structure', required: true }, select: { kind: 'structure' } },
    valid: async (world) => {
      const node = await world.node();
      return { id: node.pool_id, nodes: [node.ip] };
    },
    data: exactly({}),
    refusal: removeFailed,
    unknownId: noNode,
    wrong: [
      { what: 'an empty list', change: { nodes: [] } },
      { what: 'a list as text', change: { nodes: '10.85.41.166' } },
      { what: 'an object as entry', change: { nodes: [{ ip: '10.85.41.166' }] } },
      {
        what: 'an address that no node has',
        change: { nodes: ['198.51.100.4'] },
        refusal: noNode,
        says: '198.51.100.4',
      },
      {
        what: 'an id that no node has',
        change: { nodes: [2_147_483_004] },
        refusal: noNode,
        says: '2147483004',
      },
      {
        what: 'a node of another pool',
        change: async (world) => ({ nodes: [(await world.node()).ip] }),
        refusal: noNode,
        says: /\d/,
      },
      ...SELECT_WRONG,
      {
        what: 'a node that an unfinished task holds',
        change: async (world) => {
          const task = await world.task();
          return { id: task.poolId, nodes: [task.ip] };
        },
        refusal: refusal(400, '', []),
        says: 'task',
      },
    ],
  },
  {
    id: 'pool.search_by_ip',
    methods: ['POST', 'GET'],
    paths: ['/pool/search_by_ip/:iplist', '/pool/search_by_ip'],
    access: 'read',
    valid: async (world) => ({
      iplist: `${(await world.shared('node', () => world.node())).ip}, 198.51.100.9`,
    }),
    data: mapOf(integer),
    refusal: refusal(400, 'db server lost...', {}),
  },
  {
    id: 'node.list',
    methods: READ,
    paths: ['/node/list'],
    access: 'read',
    valid: async (world) => ({ ip: (await sharedNode(world)).ip, count: 'exact' }),
    data: objectWith({ rows: listOf(placedRow, 1), next: either(text, exactly(null)) }),
    refusal: refused,
    wrong: [
      { what: 'a status that is none', change: { status: '2' } },
      { what: 'a state that is none', change: { state: '1,5' } },
      { what: 'no network', change: { ip: '10.0.0.0/40' } },
      { what: 'a pool that does not exist', change: { pool_id: 2_147_483_003 }, refusal: missing },
      { what: 'a limit that is too large', change: { limit: 1_001 } },
      { what: 'no rows', change: { limit: 0 } },
      { what: 'a cursor of its own', change: { cursor: 'abc' } },
      { what: 'another way to count', change: { count: 'all' } },
      { what: 'another maker', change: { made_by: 'ann' } },
      { what: 'no selector', change: { labels: 'zone in' }, says: 'at character 8' },
    ],
  },
  {
    id: 'node.find',
    methods: ['POST', 'GET'],
    paths: ['/node/find'],
    access: 'read',
    valid: async (world) => ({ addresses: `${(await sharedNode(world)).ip}; 198.51.100.[7-9]` }),
    data: listOf(
      objectWith({
        address: text,
        node: either(placedRow, exactly(null)),
        same_as: either(text, exactly(null)),
        problem: either(text, exactly(null)),
      }),
    ),
    refusal: refused,
    wrong: [{ what: 'more addresses than one request may ask for', change: { addresses: '10.0.0.0/8' } }],
  },
  {
    id: 'node.label',
    methods: ['POST'],
    paths: ['/node/label'],
    access: 'write',
    params: {
      nodes: { kind: 'structure', required: true },
      select: { kind: 'structure' },
      // It may be empty where `remove` is not.
      set: { kind: 'structure', required: true, absent: 'blank' },
      remove: { kind: 'structure' },
    },
    valid: async (world) => ({
      nodes: [(await sharedNode(world)).ip],
      set: { zone: 'b' },
    }),
    data: objectWith({ nodes: integer, changed: integer }),
    refusal: refused,
    wrong: [
      { what: 'an empty list', change: { nodes: [] } },
      { what: 'nothing to change', change: { set: {}, remove: [] }, says: 'at least one label' },
      { what: 'a wrong key', change: { set: { 'a b': '' } }, says: 'a b is no key' },
      { what: 'a wrong value', change: { set: { zone: 'a b' } }, says: 'a b is no value' },
      { what: 'a wrong key to remove', change: { remove: ['-'] }, says: '- is no key' },
      { what: 'a key to set and to remove', change: { remove: ['zone'] }, says: 'zone is in set as well' },
      {
        what: 'more labels than a node may have',
        change: { set: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, ''])) },
        says: '64',
      },
      { what: 'an address that no node has', change: { nodes: ['198.51.100.4'] }, refusal: missing },
      { what: 'an id that no node has', change: { nodes: [2_147_483_004] }, refusal: missing },
      {
        what: 'a pool that does not exist',
        change: { nodes: undefined, select: { pools: ['no such pool'] } },
        refusal: missing,
        says: 'no such pool',
      },
      ...SELECT_WRONG,
    ],
  },
  {
    id: 'node.info',
    methods: READ,
    paths: ['/node/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await sharedNode(world)).id }),
    data: placedRow,
    refusal: refused,
    unknownId: missing,
  },
  {
    id: 'node.runs',
    methods: READ,
    paths: ['/node/:id/runs'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('task', () => world.task())).nodeId }),
    data: objectWith({
      rows: listOf(objectWith({ id, task_id: id, state: oneOf(0, 1, 2, 3, 4), reason: text })),
      next: either(text, exactly(null)),
    }),
    refusal: refused,
    unknownId: missing,
    wrong: [{ what: 'a limit that is too large', change: { limit: 101 } }],
  },
];
