import { once, type PlacedNode, type Pool, type Preview, unwrap } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import { readAll, readPages } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import type { Column } from '../output/printer.js';
import { plain } from '../output/screen.js';
import { carryOut } from '../plan/plan.js';
import { FIND, limitFlag, PLAN_FLAGS, ROLL_FLAGS, rollBody, WAIT_FLAGS } from './flags.js';
import { labelsText, SELECT, SELECT_FLAGS, wantedNodes } from './selection.js';
import { afterStart, started } from './started.js';

const POOL: Column<Pool>[] = [
  { field: 'id', title: 'id', align: 'end' },
  { field: 'name', title: 'name' },
  { field: 'node_count', title: 'nodes', align: 'end' },
  { field: 'service_id', title: 'service', align: 'end' },
  { field: 'protected', title: 'protected', text: ({ protected: on }) => (on ? 'yes' : '') },
  { field: 'desc', title: 'description' },
  { field: 'updated_by', title: 'changed by', isWide: true },
];

const NODE_STATUS: Record<number, string> = { 0: 'not ready', 1: 'ok', 3: 'failed' };

export const NODE: Column<PlacedNode>[] = [
  { field: 'id', title: 'id', align: 'end' },
  { field: 'ip', title: 'address' },
  { field: 'status', title: 'status', text: ({ status }) => NODE_STATUS[status] },
  { field: 'pool_name', title: 'pool' },
  { field: 'version_tag', title: 'version' },
  {
    field: 'held_by',
    title: 'held by',
    text: ({ held_by }) => (held_by ? `task ${(held_by as { task_id?: number }).task_id ?? ''}` : ''),
  },
  { field: 'vm_id', title: 'machine' },
  { field: 'last_reason', title: 'last failure', isWide: true },
  { field: 'labels', title: 'labels', isWide: true, text: ({ labels }) => labelsText(labels) },
];

async function poolNamed(invocation: Invocation, text: string): Promise<Pool> {
  const id = await idOf(invocation, 'pool', text);
  return (await unwrap(invocation.api().GET('/pool/{id}', { params: { path: { id } } }))) as Pool;
}

const pool = { name: 'pool', kind: 'pool' } as const;

/** A protected pool's name confirms what is done to it. */
function confirmation(target: Pool, flags: { yes: boolean }, given: string | undefined) {
  if (target.protected !== true) return { body: {}, typed: undefined };
  if (given !== undefined) return { body: { confirm: given }, typed: undefined };
  if (flags.yes)
    throw new CommandError(
      `pool ${plain(target.name)} is protected: --confirm ${plain(target.name)} must name it`,
      EXIT.refused,
    );
  return { body: { confirm: target.name }, typed: target.name };
}

const confirmFlag = {
  type: 'text',
  value: '<pool>',
  help: { en: 'name of a protected pool', zh: '受保护服务池的名称' },
} as const;

export const poolCommands = [
  command({
    name: 'pool list',
    help: { en: 'List pools', zh: '列出服务池' },
    flags: {
      find: FIND,
      limit: limitFlag(),
    },
    run: async ({ api, print }, _args, flags) => {
      const name = flags.find === undefined ? {} : { name: flags.find };
      const rows = await readPages(flags.limit, (page) =>
        unwrap(api().GET('/pool/list', { params: { query: { ...page, ...name } } })),
      );
      print.rows('pool', rows as Pool[], POOL);
    },
  }),
  command({
    name: 'pool show',
    help: { en: 'Show a pool', zh: '查看服务池' },
    args: [pool],
    run: async (invocation, [text = '']) => {
      const one = await poolNamed(invocation, text);
      invocation.print.one('pool', one, [
        ['pool', `${one.id} ${one.name}`],
        ['description', one.desc],
        ['service', one.service_id],
        ['nodes', one.node_count],
        ['machines', one.vm_type],
        ['discovery', one.sd_id],
        ['protected', one.protected ? 'yes' : 'no'],
        ['labels', labelsText(one.labels)],
        ['version', one.version],
        ['changed', one.updated_by === undefined ? '' : `by ${one.updated_by} ${one.updated_at}`],
      ]);
    },
  }),
  command({
    name: 'pool nodes',
    help: { en: 'List the nodes of a pool', zh: '列出服务池的节点' },
    args: [pool],
    flags: {
      failed: { type: 'switch', help: { en: 'only failed ones', zh: '仅失败的' } },
      select: SELECT,
      limit: limitFlag(),
    },
    run: async (invocation, [text = ''], flags) => {
      const pool_id = await idOf(invocation, 'pool', text);
      const rows = await readAll(flags.limit, (part) =>
        unwrap(
          invocation.api().GET('/node/list', {
            params: {
              query: {
                ...{ ...part, pool_id },
                ...(flags.failed ? { status: '3' } : {}),
                ...(flags.select === undefined ? {} : { labels: flags.select }),
              },
            },
          }),
        ),
      );
      invocation.print.rows('node', rows, NODE);
    },
  }),
  command({
    name: 'pool deploy',
    help: { en: 'Put an image online on all nodes of a pool', zh: '在服务池的全部节点上线镜像' },
    args: [pool, { name: 'tag' }],
    flags: {
      ...ROLL_FLAGS,
      confirm: confirmFlag,
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, [text = '', tag = ''], flags) => {
      const target = await poolNamed(invocation, text);
      const { body: confirmed, typed } = confirmation(target, invocation.flags, flags.confirm);
      const params = { path: { id: target.id } };
      const body = {
        tag,
        // The API asks for it here.
        max_num: Math.max(1, target.node_count),
        ...rollBody(flags),
        ...confirmed,
      };
      const { api } = invocation;
      const ids = await carryOut(invocation, {
        title: () => `deploy ${plain(tag)} to pool ${plain(target.name)}`,
        question: ({ nodes }) => `Deploy to ${nodes.count} nodes of ${plain(target.name)}?`,
        preview: () =>
          unwrap(
            api().POST('/pool/deploy/{id}/preview', { params, body: body as never }),
          ) as Promise<Preview>,
        run: (if_plan) =>
          started(
            api().POST('/pool/deploy/{id}', { params, body: { ...body, if_plan } as never, ...once() }),
          ),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
        typed,
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
  command({
    name: 'pool expand',
    help: { en: 'Add machines to a pool', zh: '为服务池扩容' },
    args: [pool, { name: 'count' }],
    flags: { ...PLAN_FLAGS, ...WAIT_FLAGS },
    run: async (invocation, [text = '', count = ''], flags) => {
      const target = await poolNamed(invocation, text);
      if (!/^[1-9]\d{0,3}$/.test(count))
        throw new CommandError(`count must be a whole number from 1 (got ${JSON.stringify(count)})`);
      const params = { path: { id: target.id } };
      const body = { num: Number(count) };
      const { api } = invocation;
      const ids = await carryOut(invocation, {
        title: () => `expand pool ${plain(target.name)}`,
        question: ({ nodes }) => `Make ${nodes.to_make} machines for ${plain(target.name)}?`,
        preview: () => unwrap(api().POST('/pool/expand/{id}/preview', { params, body })) as Promise<Preview>,
        run: (if_plan) =>
          started(api().POST('/pool/expand/{id}', { params, body: { ...body, if_plan }, ...once() })),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
  command({
    name: 'pool shrink',
    help: { en: 'Give machines of a pool back', zh: '为服务池缩容' },
    args: [pool],
    flags: {
      nodes: {
        type: 'texts',
        value: '<address|@file|->',
        help: { en: 'which nodes', zh: '哪些节点' },
      },
      ...SELECT_FLAGS,
      confirm: confirmFlag,
      ...PLAN_FLAGS,
      ...WAIT_FLAGS,
    },
    run: async (invocation, [text = ''], flags) => {
      const target = await poolNamed(invocation, text);
      const wanted = await wantedNodes(invocation, flags.nodes, undefined, flags);
      const { body: confirmed, typed } = confirmation(target, invocation.flags, flags.confirm);
      const params = { path: { id: target.id } };
      const body = { ...wanted.body, ...confirmed };
      const { api } = invocation;
      const ids = await carryOut(invocation, {
        title: () => `shrink pool ${plain(target.name)} by ${wanted.text}`,
        question: (plan) =>
          `Give ${plan.nodes.count} machines of ${plain(target.name)} back? This cannot be undone.`,
        preview: () => unwrap(api().POST('/pool/shrink/{id}/preview', { params, body })) as Promise<Preview>,
        run: (if_plan) =>
          started(api().POST('/pool/shrink/{id}', { params, body: { ...body, if_plan }, ...once() })),
        detail: { scripts: flags['show-scripts'], leftOut: flags['show-left-out'] },
        typed,
      });
      return ids === undefined ? EXIT.done : afterStart(invocation, ids, flags);
    },
  }),
];
