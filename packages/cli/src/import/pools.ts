import { isAddress, nodeIdentity, wrongKey } from '@rigel/contracts';
import type { Node } from '../files/documents.js';
import type { Inventory, Variables } from './inventory.js';

/** Nodes of a pool that is to be. */
export interface Imported {
  pools: Map<string, Node[]>;
  /** What files of Rigel cannot say, for people. */
  notes: string[];
}

/** Groups that every inventory has. */
const EVERY = new Set(['all', 'ungrouped']);
/** Where a node is reached. */
const ADDRESS = [
  'ansible_host',
  'ansible_ssh_host',
  'ansible_port',
  'ansible_ssh_port',
  'ansible_connection',
];

/**
 * Pools from the groups of an inventory. A node is in one pool, so a host is in that of the first group that lists it
 * itself, in the order of the file; `wanted` names the groups that become pools, in its own order. Hosts of no such
 * group are in the pool `ungrouped`. The other groups of a host, and the groups above them, are labels: `group/<name>: yes`.
 */
export function poolsOf(inventory: Inventory, wanted: readonly string[]): Imported {
  const { groups, hosts } = inventory;
  const notes = [...inventory.notes];
  const unknown = wanted.filter((name) => !groups.has(name));
  for (const name of unknown) notes.push(`there is no group ${name}`);
  const parents = parentsOf(inventory);
  const chosen =
    wanted.length > 0
      ? wanted.filter((name) => groups.has(name))
      : [...groups.keys()].filter((name) => !EVERY.has(name));
  const pools = new Map<string, Node[]>();
  const places = new Map<string, string>();
  for (const name of chosen)
    for (const host of wanted.length > 0 ? allHosts(inventory, name) : (groups.get(name)?.hosts ?? []))
      if (!places.has(host)) places.set(host, name);
  const seen = new Map<string, string>();
  const left = new Map<string, number>();
  const unlabelled = new Map<string, number>();
  const count = (of: Map<string, number>, what: string): void => void of.set(what, (of.get(what) ?? 0) + 1);
  for (const [host, own] of hosts) {
    const pool = places.get(host) ?? 'ungrouped';
    const vars = { ...inherited(inventory, host, parents), ...own };
    for (const name of Object.keys(own)) if (!ADDRESS.includes(name)) count(left, name);
    if (vars.ansible_connection === 'local') {
      notes.push(`${host} is this machine (ansible_connection=local): it is left out`);
      continue;
    }
    const address = addressOf(host, vars);
    if (address === undefined) {
      notes.push(`the address of ${host} is none of a node: it is left out`);
      continue;
    }
    const first = seen.get(nodeIdentity(address));
    if (first !== undefined) {
      notes.push(`${host} has the address of ${first} (${address}): it is left out`);
      continue;
    }
    seen.set(nodeIdentity(address), host);
    const names = groupsOf(inventory, host, parents).filter((name) => name !== pool && !EVERY.has(name));
    for (const name of names) if (wrongKey(labelOf(name)) !== undefined) count(unlabelled, name);
    const labels = names.map(labelOf).filter((key) => wrongKey(key) === undefined);
    const node: Node = {
      address,
      ...(labels.length > 0 ? { labels: Object.fromEntries(labels.map((key) => [key, 'yes'])) } : {}),
    };
    const nodes = pools.get(pool);
    if (nodes) nodes.push(node);
    else pools.set(pool, [node]);
  }
  for (const [name, number] of unlabelled)
    notes.push(`the group ${name} of ${number} hosts is no label: its name has other characters`);
  for (const { vars } of groups.values())
    for (const variable of Object.keys(vars)) if (!ADDRESS.includes(variable)) count(left, variable);
  // Values are not shown: some are passwords.
  for (const [name, number] of left) {
    const where = /^ansible_/.test(name) ? ': how executors reach nodes is a profile (docs/ssh.md)' : '';
    notes.push(`the variable ${name} of ${number} hosts or groups is left out${where}`);
  }
  return { pools, notes };
}

function parentsOf({ groups }: Inventory): Map<string, string[]> {
  const parents = new Map<string, string[]>();
  for (const [name, { children }] of groups)
    for (const child of children) parents.set(child, [...(parents.get(child) ?? []), name]);
  return parents;
}

/** The hosts of a group and of its groups. */
function allHosts({ groups }: Inventory, name: string, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const group = groups.get(name);
  return group
    ? [...group.hosts, ...group.children.flatMap((child) => allHosts({ groups } as Inventory, child, seen))]
    : [];
}

const labelOf = (group: string): string => `group/${group}`;

/** The groups of a host, and those above them. */
function groupsOf({ groups }: Inventory, host: string, parents: ReadonlyMap<string, string[]>): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const parent of parents.get(name) ?? []) add(parent);
  };
  for (const [name, { hosts }] of groups) if (hosts.includes(host)) add(name);
  return [...found].sort();
}

/** Variables of the groups of a host: those of a group go before those of the groups above it. */
function inherited({ groups }: Inventory, host: string, parents: ReadonlyMap<string, string[]>): Variables {
  let level = [...groups].filter(([, group]) => group.hosts.includes(host)).map(([name]) => name);
  let vars: Variables = {};
  for (const seen = new Set<string>(); level.length > 0; ) {
    for (const name of level) vars = { ...groups.get(name)?.vars, ...vars };
    for (const name of level) seen.add(name);
    level = level.flatMap((name) => parents.get(name) ?? []).filter((name) => !seen.has(name));
  }
  return { ...groups.get('all')?.vars, ...vars };
}

function addressOf(host: string, vars: Variables): string | undefined {
  const name = String(vars.ansible_host ?? vars.ansible_ssh_host ?? host);
  const port = vars.ansible_port ?? vars.ansible_ssh_port;
  return withPort(name, port === undefined ? '' : String(port));
}

/** An address as pools have it; undefined: it is none. */
export function withPort(name: string, port: string): string | undefined {
  const host = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  const address = port === '' || port === '22' ? name : `${host}:${port}`;
  return isAddress(address) ? address : undefined;
}
