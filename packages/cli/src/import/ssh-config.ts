import { nodeIdentity } from '@rigel/contracts';
import type { Node } from '../files/documents.js';
import { type Imported, withPort } from './pools.js';

interface Block {
  patterns: string[];
  options: Map<string, string>;
}

/** Keywords that say where a host is; the others say how it is reached. */
const WHERE = new Set(['hostname', 'port']);

/** A pattern of `Host` stands for a host name if it matches nothing else. */
const isName = (pattern: string): boolean => !/[*?!]/.test(pattern);

function matches(host: string, patterns: readonly string[]): boolean {
  const one = (pattern: string): boolean =>
    new RegExp(
      `^${pattern
        .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
    ).test(host);
  return (
    patterns.some((pattern) => !pattern.startsWith('!') && one(pattern)) &&
    !patterns.some((pattern) => pattern.startsWith('!') && one(pattern.slice(1)))
  );
}

/**
 * One pool from the hosts of a configuration of ssh. Only names count, not patterns; for each option the first value
 * counts, as ssh reads it.
 */
export function poolOfSshConfig(text: string, pool: string): Imported {
  const notes: string[] = [];
  const blocks: Block[] = [{ patterns: ['*'], options: new Map() }];
  let isMatch = false;
  for (const line of text.split(/\r?\n/)) {
    const [, keyword, value = ''] = /^\s*([A-Za-z]\w*)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    if (keyword === undefined) continue;
    const name = keyword.toLowerCase();
    if (name === 'host') {
      isMatch = false;
      blocks.push({
        patterns: value.split(/\s+/).map((word) => word.replaceAll('"', '')),
        options: new Map(),
      });
    } else if (name === 'match') {
      isMatch = true;
      notes.push(`Match ${value} is left out`);
    } else if (name === 'include') notes.push(`Include ${value} is not followed: import that file too`);
    else if (!isMatch) {
      const { options } = blocks.at(-1) as Block;
      if (!options.has(name)) options.set(name, value.replaceAll('"', ''));
    }
  }
  const seen = new Map<string, string>();
  const nodes: Node[] = [];
  const left = new Map<string, number>();
  const hosts = new Set(blocks.flatMap(({ patterns }) => patterns.filter(isName)));
  for (const host of hosts) {
    const options = new Map<string, string>();
    for (const block of blocks)
      if (matches(host, block.patterns))
        for (const [name, value] of block.options) if (!options.has(name)) options.set(name, value);
    for (const name of options.keys()) if (!WHERE.has(name)) left.set(name, (left.get(name) ?? 0) + 1);
    const address = withPort(
      (options.get('hostname') ?? host).replaceAll('%h', host),
      options.get('port') ?? '',
    );
    const first = address === undefined ? undefined : seen.get(nodeIdentity(address));
    if (address === undefined) notes.push(`the address of ${host} is none of a node: it is left out`);
    else if (first !== undefined)
      notes.push(`${host} has the address of ${first} (${address}): it is left out`);
    else {
      seen.set(nodeIdentity(address), host);
      nodes.push({ address });
    }
  }
  for (const [name, number] of left)
    notes.push(
      `the option ${name} of ${number} hosts is left out: how executors reach nodes is a profile (docs/ssh.md)`,
    );
  return { pools: new Map(nodes.length === 0 ? [] : [[pool, nodes]]), notes };
}
