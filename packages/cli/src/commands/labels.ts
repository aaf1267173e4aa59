import { type NodeSelection, unwrap } from '@rigel/api-client';
import { command } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { confirm } from '../plan/confirm.js';
import { readLabels, SELECT_FLAGS, wantedNodes } from './selection.js';

/** Nodes of the status that a selection names, as `GET /node/list` takes it. */
const STATUS = { not_ready: '0', ok: '1', failed: '3' } as const;

/** How many nodes a selection finds now. */
async function countOf({ api }: Invocation, { pools = [], labels, status, limit }: NodeSelection) {
  const [pool_id] = pools;
  const query = {
    ...{ limit: 1, count: 'exact' as const },
    ...(pool_id === undefined ? {} : { pool_id: Number(pool_id) }),
    ...(labels === undefined ? {} : { labels }),
    ...(status === undefined ? {} : { status: STATUS[status] }),
  };
  const { total = 0 } = await unwrap(api().GET('/node/list', { params: { query } }));
  return Math.min(total, limit ?? total);
}

const of = (nodes: number): string => `${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;

export const labelCommands = [
  command({
    name: 'node label',
    help: {
      en: 'Set (zone=b) and remove (role-) labels of nodes',
      zh: '设置（zone=b）和移除（role-）节点的标签',
    },
    args: [{ name: 'node|key=value|key-', many: true }],
    flags: {
      pool: {
        type: 'text',
        short: 'p',
        value: '<pool>',
        help: { en: 'nodes of this pool', zh: '此服务池的节点' },
      },
      ...SELECT_FLAGS,
    },
    run: async (invocation, words, flags) => {
      const set = readLabels(words.filter((word) => word.includes('=')));
      const isKey = (word: string): boolean => !word.includes('=') && /^[^-].*-$/.test(word);
      const remove = words.filter(isKey).map((word) => word.slice(0, -1));
      const named = words.filter((word) => !word.includes('=') && !isKey(word));
      const changes = [
        ...Object.entries(set).map(([key, value]) => `set ${plain(key)}=${plain(value)}`),
        ...remove.map((key) => `remove ${plain(key)}`),
      ];
      if (changes.length === 0)
        throw new CommandError('node label needs a label to set (zone=b) or to remove (zone-)');
      const { body, text } = await wantedNodes(invocation, named, flags.pool, flags);
      const count = 'nodes' in body ? body.nodes.length : await countOf(invocation, body.select);
      const what = `${changes.join(', ')} on ${of(count)}: ${text}`;
      if (invocation.flags.dryRun) {
        invocation.print.one('plan', { nodes: count, set, remove }, [['labels', what]]);
        return;
      }
      await confirm(invocation, `${what}?`);
      const answer = await unwrap(invocation.api().POST('/node/label', { body: { ...body, set, remove } }));
      invocation.note(
        `${of(answer.nodes)} ${answer.nodes === 1 ? 'has' : 'have'} these labels now; ${answer.changed} were changed`,
      );
    },
  }),
];
