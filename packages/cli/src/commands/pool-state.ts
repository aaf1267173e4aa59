import { unwrap } from '@rigel/api-client';
import { readAll } from '../api/pages.js';
import { command } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { localTime } from '../output/times.js';
import { confirmChange } from '../plan/change.js';
import { getData, postData, thingNamed } from './change-things.js';
import { limitFlag } from './flags.js';
import { fieldsOf, nodeId } from './fleet.js';
import { readNodes } from './values.js';

const pool = { name: 'pool', kind: 'pool' } as const;

/** Protects a pool, or ends its protection. */
async function protect(invocation: Invocation, text: string, on: boolean): Promise<void> {
  const thing = await thingNamed(invocation, 'pool', text);
  const before = thing.protected === true;
  const change = {
    title: `${on ? 'protect' : 'end the protection of'} pool ${plain(thing.name)}`,
    fields: before === on ? [] : [{ field: 'protected', before, after: on }],
    version: thing.version,
    needsFields: true,
    // What ends the protection needs what the protection asks for.
    ...(on ? {} : { typed: thing.name }),
  };
  if (!(await confirmChange(invocation, change))) return;
  await postData(
    invocation,
    '/pool/protect/{id}',
    { protected: on, ...(thing.version === undefined ? {} : { if_version: thing.version }) },
    { params: { path: { id: thing.id } } },
  );
  invocation.note(`pool ${plain(thing.name)} is ${on ? 'protected' : 'not protected any more'}`);
}

interface Version {
  version_tag: string | null;
  count: number;
}

/** Commands about what stands in pools: versions, protection, nodes that leave. */
export const poolState = [
  command({
    name: 'pool versions',
    help: { en: 'Count the nodes of a pool by their version', zh: '按版本统计服务池的节点' },
    args: [pool],
    run: async (invocation, [text = '']) => {
      const { id } = await thingNamed(invocation, 'pool', text);
      const nodes = await readAll(
        undefined,
        (part) =>
          unwrap(
            invocation.api().GET('/node/list', { params: { query: { ...part, pool_id: id } as never } }),
          ) as Promise<{ rows: { version_tag?: string | null; ip: string }[]; next: string | null }>,
      );
      const byTag = new Map<string, string[]>();
      for (const { version_tag, ip } of nodes) {
        const tag = version_tag ?? '';
        const same = byTag.get(tag);
        if (same) same.push(ip);
        else byTag.set(tag, [ip]);
      }
      const rows = [...byTag]
        .map(([tag, ips]): Version & { nodes: string[] } => ({
          version_tag: tag === '' ? null : tag,
          count: ips.length,
          nodes: ips,
        }))
        .sort((one, other) => other.count - one.count);
      invocation.print.rows('version', rows, [
        { field: 'count', title: 'nodes', align: 'end' },
        { field: 'version_tag', title: 'version', text: ({ version_tag }) => version_tag ?? 'unknown' },
        { field: 'nodes', title: 'on', isWide: true, text: ({ nodes }) => nodes.slice(0, 5).join(' ') },
      ]);
    },
  }),
  command({
    name: 'pool protect',
    help: {
      en: 'Protect a pool: shrink, deploy, stop and removal need its name',
      zh: '保护服务池：缩容、上线、终止与移除须输入其名称',
    },
    args: [pool],
    run: (invocation, [text = '']) => protect(invocation, text, true),
  }),
  command({
    name: 'pool unprotect',
    help: { en: 'End the protection of a pool', zh: '取消服务池的保护' },
    args: [pool],
    run: (invocation, [text = '']) => protect(invocation, text, false),
  }),
  command({
    name: 'node remove',
    help: { en: 'Remove nodes from a pool; their machines stay', zh: '从服务池移除节点；机器保留' },
    args: [pool, { name: 'address|@file|-', many: true }],
    flags: {
      confirm: {
        type: 'text',
        value: '<pool>',
        help: { en: 'name of a protected pool', zh: '受保护服务池的名称' },
      },
    },
    run: async (invocation, [text = '', ...given], flags) => {
      const thing = await thingNamed(invocation, 'pool', text);
      const nodes = await readNodes(invocation, given, undefined);
      const isProtected = thing.protected === true;
      if (isProtected && flags.confirm === undefined && invocation.flags.yes)
        throw new CommandError(
          `pool ${plain(thing.name)} is protected: --confirm ${plain(thing.name)} must name it`,
          EXIT.refused,
        );
      const change = {
        title: `remove ${nodes.length} node${nodes.length === 1 ? '' : 's'} from pool ${plain(thing.name)}`,
        fields: [{ field: 'nodes', after: nodes }],
        ...(isProtected && flags.confirm === undefined ? { typed: thing.name } : {}),
      };
      if (!(await confirmChange(invocation, change))) return;
      await postData(
        invocation,
        '/pool/{id}/remove_nodes',
        { nodes, ...(isProtected ? { confirm: flags.confirm ?? thing.name } : {}) },
        { params: { path: { id: thing.id } } },
      );
      invocation.note(`${nodes.length} nodes have left pool ${plain(thing.name)}`);
    },
  }),
  command({
    name: 'node history',
    help: { en: 'Say who changed a node, when, and how', zh: '显示节点的变更历史' },
    args: [{ name: 'node', kind: 'node' }],
    flags: { limit: limitFlag(50) },
    run: async (invocation, [text = ''], flags) => {
      const id = await nodeId(invocation, text);
      const rows = await readAll<Record<string, unknown>>(flags.limit ?? 50, (query) =>
        getData(invocation, '/node/{id}/history', { path: { id }, query }),
      );
      for (const row of rows)
        invocation.print.item(
          row,
          `${localTime(String(row.changed_at))}  ${plain(row.operator)}  ${plain(row.change)}  ${fieldsOf(row)}`,
        );
    },
  }),
];
