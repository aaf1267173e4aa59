import type { NodeSelection } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { someOf } from '../plan/plan.js';
import { readNodes } from './values.js';

/** A selector over labels, for commands that take nodes or list them. */
export const SELECT = {
  type: 'text',
  short: 'l',
  value: '<selector>',
  help: { en: 'nodes whose labels match: zone=b,!canary', zh: '标签匹配的节点：zone=b,!canary' },
} as const;

/** The flags of commands that can select their nodes. */
export const SELECT_FLAGS = {
  select: SELECT,
  status: {
    type: 'text',
    value: '<status>',
    choices: ['ok', 'failed', 'not_ready'],
    help: {
      en: 'with --select or --pool: only nodes with this status',
      zh: '配合 --select 或 --pool：仅此状态的节点',
    },
  },
  first: {
    type: 'number',
    value: '<n>',
    help: { en: 'the first so many of the selected nodes', zh: '仅取所选节点的前几个' },
  },
  order: {
    type: 'text',
    value: '<id|label:key>',
    help: { en: 'order of the selected nodes', zh: '所选节点的顺序' },
  },
} as const;

export interface SelectFlags {
  select: string | undefined;
  status: string | undefined;
  first: number | undefined;
  order: string | undefined;
}

/** The nodes of a request, as its body has them, and in words. */
export interface WantedNodes {
  body: { nodes: string[] } | { select: NodeSelection };
  text: string;
}

/**
 * The nodes that a command is about: named, selected, or all of a pool.
 * @param named what names nodes on the command line.
 * @param pool that the flags name: a selection is made in it, of all its nodes if nothing else is said.
 * @throws CommandError when they are named and selected, or neither.
 */
export async function wantedNodes(
  invocation: Invocation,
  named: readonly string[],
  pool: string | undefined,
  flags: SelectFlags,
): Promise<WantedNodes> {
  const given = Object.entries({
    select: flags.select,
    status: flags.status,
    first: flags.first,
    order: flags.order,
  }).filter(([, value]) => value !== undefined);
  if (named.length > 0 || (given.length === 0 && pool === undefined)) {
    const [[flag = ''] = []] = given;
    if (given.length > 0)
      throw new CommandError(`nodes are named, and --${flag} is given: name the nodes, or select them`);
    const nodes = await readNodes(invocation, named, pool);
    return { body: { nodes }, text: someOf(nodes) };
  }
  const pools = pool === undefined ? {} : { pools: [await idOf(invocation, 'pool', pool)] };
  const select: NodeSelection = {
    ...pools,
    ...(flags.select === undefined ? {} : { labels: flags.select }),
    ...(flags.status === undefined ? {} : { status: flags.status as NonNullable<NodeSelection['status']> }),
    ...(flags.first === undefined ? {} : { limit: flags.first }),
    ...(flags.order === undefined ? {} : { order: flags.order }),
  };
  const text = [...(pool === undefined ? [] : [['pool', pool] as const]), ...given]
    .map(([name, value]) => `--${name} ${plain(value)}`)
    .join(' ');
  return { body: { select }, text };
}

/** `zone=b` of a command line: the key and the value. @throws CommandError */
export function readLabel(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new CommandError(`a label must be key=value (got ${JSON.stringify(text.slice(0, 80))})`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Labels of a command line. @throws CommandError when a key is given twice. */
export function readLabels(texts: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const [key, value] of texts.map(readLabel)) {
    if (labels.has(key)) throw new CommandError(`the label ${plain(key)} is given twice`);
    labels.set(key, value);
  }
  return Object.fromEntries(labels);
}

/** `role=web zone=b`, as people read labels. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(labels ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
