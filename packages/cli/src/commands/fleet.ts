import { once, unwrap } from '@rigel/api-client';
import { idOf, readId } from '../api/names.js';
import { readAll, readPages } from '../api/pages.js';
import { command, type Kind } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import type { Column } from '../output/printer.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { confirmChange } from '../plan/change.js';
import { FIND, limitFlag } from './flags.js';
import { NODE } from './pools.js';
import { readLabels, SELECT } from './selection.js';
import { readNodes } from './values.js';

/** Kinds of things that have a list, a page and a history of the same form. */
interface Shape {
  kind: Kind;
  /** First part of their addresses. */
  path: 'cluster' | 'service' | 'pool' | 'action' | 'remote_step' | 'task_tpl';
  many: { en: string; zh: string };
  one: { en: string; zh: string };
  columns: readonly Column<Record<string, unknown>>[];
  hasUses: boolean;
  /** Services are listed with their cluster, pools by a command of their own. */
  isListed: boolean;
}

const named: readonly Column<Record<string, unknown>>[] = [
  { field: 'id', title: 'id', align: 'end' },
  { field: 'name', title: 'name' },
  { field: 'desc', title: 'description' },
  { field: 'updated_by', title: 'changed by', isWide: true },
  {
    field: 'updated_at',
    title: 'changed',
    isWide: true,
    text: ({ updated_at }) => localTime(updated_at as string),
  },
];

const SHAPES: readonly Shape[] = [
  {
    kind: 'cluster',
    path: 'cluster',
    many: { en: 'clusters', zh: '集群' },
    one: { en: 'a cluster', zh: '集群' },
    columns: named,
    hasUses: false,
    isListed: true,
  },
  {
    kind: 'service',
    path: 'service',
    many: { en: 'services', zh: '服务' },
    one: { en: 'a service', zh: '服务' },
    columns: named,
    hasUses: false,
    isListed: false,
  },
  {
    kind: 'pool',
    path: 'pool',
    many: { en: 'pools', zh: '服务池' },
    one: { en: 'a pool', zh: '服务池' },
    columns: named,
    hasUses: false,
    isListed: false,
  },
  {
    kind: 'action',
    path: 'action',
    many: { en: 'actions', zh: '动作' },
    one: { en: 'an action', zh: '动作' },
    columns: named,
    hasUses: true,
    isListed: true,
  },
  {
    kind: 'step',
    path: 'remote_step',
    many: { en: 'remote steps', zh: '远程步骤' },
    one: { en: 'a remote step', zh: '远程步骤' },
    columns: [
      ...named,
      { field: 'actions', title: 'actions', text: ({ actions }) => (actions as string[]).join(' → ') },
    ],
    hasUses: true,
    isListed: true,
  },
  {
    kind: 'template',
    path: 'task_tpl',
    many: { en: 'templates', zh: '模板' },
    one: { en: 'a template', zh: '模板' },
    columns: [
      ...named,
      {
        field: 'steps',
        title: 'steps',
        text: ({ steps }) => (steps as { name: string }[]).map(({ name }) => name).join(' → '),
      },
    ],
    hasUses: true,
    isListed: true,
  },
];

/** Calls an address that the table names; its answer's shape is the table's matter. */
async function get<Data>({ api }: Invocation, path: string, params: object): Promise<Data> {
  return (await unwrap((api().GET as CallableFunction)(path, { params }))) as Data;
}

/** `desc: "a" → "b", name: "x" → "y"` */
export function fieldsOf(row: Record<string, unknown>): string {
  const fields = (row.fields ?? []) as { name: string; before: unknown; after: unknown }[];
  const show = (value: unknown): string => plain(JSON.stringify(value ?? null));
  return fields.map(({ name, before, after }) => `${name}: ${show(before)} → ${show(after)}`).join(', ');
}

function commandsOf({ kind, path, many, one, columns, hasUses, isListed }: Shape) {
  const arg = [{ name: kind, kind }] as const;
  const list = command({
    name: `${kind} list`,
    help: { en: `List ${many.en}, newest first`, zh: `列出${many.zh}，最新的在前` },
    flags: {
      find: FIND,
      limit: limitFlag(),
    },
    run: async (invocation, _args, flags) => {
      const name = flags.find === undefined ? {} : { name: flags.find };
      const rows = await readPages<Record<string, unknown>>(flags.limit, (page) =>
        get(invocation, `/${path}/list`, { query: { ...page, ...name } }),
      );
      invocation.print.rows(kind, rows, columns);
    },
  });
  const show = command({
    name: `${kind} show`,
    help: { en: `Show ${one.en}`, zh: `查看${one.zh}` },
    args: arg,
    run: async (invocation, [text = '']) => {
      const id = await idOf(invocation, kind, text);
      const thing = await get<Record<string, unknown>>(invocation, `/${path}/{id}`, { path: { id } });
      invocation.print.one(kind, thing, Object.entries(thing));
    },
  });
  const history = command({
    name: `${kind} history`,
    help: { en: `Say who changed ${one.en}, when, and how`, zh: `显示${one.zh}的变更历史` },
    args: arg,
    flags: {
      limit: limitFlag(50),
    },
    run: async (invocation, [text = ''], flags) => {
      const id = await idOf(invocation, kind, text);
      const rows = await readAll<Record<string, unknown>>(flags.limit ?? 50, (part) =>
        get(invocation, `/${path}/{id}/history`, { path: { id }, query: part }),
      );
      for (const row of rows)
        invocation.print.item(
          row,
          `${localTime(String(row.changed_at ?? row.at))}  ${plain(row.operator)}  ${plain(row.change)}  ${fieldsOf(row)}`,
        );
    },
  });
  const remove = command({
    name: `${kind} delete`,
    help: { en: `Delete ${one.en}`, zh: `删除${one.zh}` },
    args: arg,
    run: async (invocation, [text = '']) => {
      const id = await idOf(invocation, kind, text);
      const thing = await get<{ name: string; version?: number }>(invocation, `/${path}/{id}`, {
        path: { id },
      });
      const change = { title: `delete ${kind} ${plain(thing.name)}`, fields: [], version: thing.version };
      if (!(await confirmChange(invocation, change))) return;
      await unwrap(
        (invocation.api().DELETE as CallableFunction)(`/${path}/delete/{id}`, {
          params: { path: { id }, query: thing.version === undefined ? {} : { if_version: thing.version } },
        }),
      );
      invocation.note(`${kind} ${plain(thing.name)} is deleted`);
    },
  });
  const uses = command({
    name: `${kind} uses`,
    help: { en: `Say where ${one.en} is used`, zh: `显示${one.zh}的使用处` },
    args: arg,
    run: async (invocation, [text = '']) => {
      const id = await idOf(invocation, kind, text);
      const found = await get<Record<string, unknown>>(invocation, `/${path}/{id}/uses`, { path: { id } });
      invocation.print.one(kind, found, Object.entries(found));
    },
  });
  return [
    ...(isListed ? [list] : []),
    ...(kind === 'pool' ? [] : [show]),
    history,
    remove,
    ...(hasUses ? [uses] : []),
  ];
}

export const fleetCommands = [
  ...SHAPES.flatMap(commandsOf),
  command({
    name: 'service list',
    help: { en: 'List services, those of one cluster or all', zh: '列出服务（某集群或全部）' },
    flags: {
      cluster: { type: 'text', value: '<cluster>', help: { en: 'only of this cluster', zh: '仅此集群的' } },
    },
    run: async (invocation, _args, flags) => {
      const clusters =
        flags.cluster === undefined
          ? (
              await readPages<{ id: number }>(undefined, (query) =>
                get(invocation, '/cluster/list', { query }),
              )
            ).map(({ id }) => id)
          : [await idOf(invocation, 'cluster', flags.cluster)];
      const rows: Record<string, unknown>[] = [];
      for (const id of clusters)
        rows.push(
          ...(await readPages<Record<string, unknown>>(undefined, (query) =>
            get(invocation, '/cluster/{id}/list_services', { path: { id }, query }),
          )),
        );
      invocation.print.rows('service', rows, [
        ...named,
        { field: 'cluster_id', title: 'cluster', align: 'end' },
      ]);
    },
  }),
  command({
    name: 'node list',
    help: { en: 'List nodes of the whole fleet', zh: '列出全部节点' },
    flags: {
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'only of this pool', zh: '仅此服务池的' },
      },
      failed: { type: 'switch', help: { en: 'only failed ones', zh: '仅失败的' } },
      find: {
        type: 'text',
        value: '<text>',
        help: { en: 'whose address has this text', zh: '地址包含此文本的' },
      },
      select: SELECT,
      limit: limitFlag(100),
    },
    run: async (invocation, _args, flags) => {
      const pool_id = flags.pool === undefined ? undefined : await idOf(invocation, 'pool', flags.pool);
      const rows = await readAll(flags.limit ?? 100, (part) =>
        unwrap(
          invocation.api().GET('/node/list', {
            params: {
              query: {
                ...part,
                ...(pool_id === undefined ? {} : { pool_id }),
                ...(flags.failed ? { status: 3 } : {}),
                ...(flags.find === undefined ? {} : { ip: flags.find }),
                ...(flags.select === undefined ? {} : { labels: flags.select }),
              } as never,
            },
          }),
        ),
      );
      invocation.print.rows('node', rows, NODE);
    },
  }),
  command({
    name: 'node show',
    help: { en: 'Show a node', zh: '查看节点' },
    args: [{ name: 'node', kind: 'node' }],
    run: async (invocation, [text = '']) => {
      const node = await get<Record<string, unknown>>(invocation, '/node/{id}', {
        path: { id: await nodeId(invocation, text) },
      });
      invocation.print.one('node', node, Object.entries(node));
    },
  }),
  command({
    name: 'node add',
    help: { en: 'Enter nodes into a pool', zh: '将节点加入服务池' },
    args: [
      { name: 'pool', kind: 'pool' },
      { name: 'address|@file|-', many: true },
    ],
    flags: {
      label: {
        type: 'texts',
        value: '<key=value>',
        help: { en: 'a label of all of them', zh: '它们的标签' },
      },
    },
    run: async (invocation, [text = '', ...given], flags) => {
      const id = await idOf(invocation, 'pool', text);
      const labels = readLabels(flags.label);
      const addresses = await readNodes(invocation, given, undefined);
      const change = {
        title: `enter ${addresses.length} nodes into pool ${plain(text)}`,
        fields: [
          { field: 'nodes', after: addresses },
          ...(flags.label.length > 0 ? [{ field: 'labels', after: labels }] : []),
        ],
      };
      if (!(await confirmChange(invocation, change))) return;
      await unwrap(
        (invocation.api().POST as CallableFunction)('/pool/{id}/add_nodes', {
          params: { path: { id } },
          body: { nodes: addresses, ...(flags.label.length > 0 ? { labels } : {}) },
          ...once(),
        }),
      );
      invocation.note(`${addresses.length} nodes are in pool ${plain(text)}`);
    },
  }),
  command({
    name: 'node find',
    help: { en: 'Find the pools of addresses', zh: '查找地址所属的服务池' },
    args: [{ name: 'address', many: true }],
    run: async (invocation, given) => {
      const addresses = await readNodes(invocation, given, undefined);
      const found = (await unwrap(
        (invocation.api().POST as CallableFunction)('/pool/search_by_ip', {
          body: { iplist: addresses.join(',') },
        }),
      )) as Record<string, number>;
      const rows = addresses.map((address) => ({ address, pool_id: found[address] ?? null }));
      invocation.print.rows('node', rows, [
        { field: 'address', title: 'address' },
        {
          field: 'pool_id',
          title: 'pool',
          text: ({ pool_id }) => (pool_id && pool_id > 0 ? pool_id : 'none'),
        },
      ]);
      return rows.every(({ pool_id }) => pool_id !== null && pool_id > 0) ? EXIT.done : EXIT.notGood;
    },
  }),
];

/** A node by its id or its address. */
export async function nodeId(invocation: Invocation, text: string): Promise<number> {
  if (/^(node\/)?[1-9]\d*$/.test(text)) return readId('node', text);
  const { rows } = await get<{ rows: { id: number; ip: string }[] }>(invocation, '/node/list', {
    query: { ip: text, limit: 1_000 },
  });
  const [only, ...more] = rows.filter(({ ip }) => ip === text);
  if (only && more.length === 0) return only.id;
  throw new CommandError(`there is no node with the address ${JSON.stringify(text)}`, EXIT.notFound);
}
