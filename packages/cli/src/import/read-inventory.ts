import { parse } from 'yaml';
import { CommandError } from '../command/exit.js';
import { addHost, emptyInventory, groupOf, type Inventory, type Variables } from './inventory.js';

/**
 * Reads an inventory of Ansible: INI, YAML, or what `ansible-inventory --list` prints.
 * @throws CommandError
 */
export function readInventory(text: string, file: string): Inventory {
  const start = text.trimStart();
  try {
    if (start.startsWith('{')) return fromList(JSON.parse(text) as Record<string, unknown>);
    if (
      /^(---\s*\n|#[^\n]*\n|\s)*[\w.-]+:\s*(\n|$|\{)/.test(start) &&
      !/^\[/m.test(start.replaceAll(/#.*/g, ''))
    )
      return fromYaml(parse(text, { maxAliasCount: 0 }) as Record<string, unknown>);
    return fromIni(text);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${file} cannot be read as an inventory: ${(error as Error).message}`);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** `{"_meta": {"hostvars": …}, "web": {"hosts": […], "children": […]}}` */
function fromList(list: Record<string, unknown>): Inventory {
  const inventory = emptyInventory();
  const vars = isObject(list._meta) && isObject(list._meta.hostvars) ? list._meta.hostvars : {};
  for (const [name, value] of Object.entries(list)) {
    if (name === '_meta') continue;
    // A group may be its list of hosts.
    const group = isObject(value) ? value : { hosts: value };
    const own = groupOf(inventory, name);
    own.children.push(...texts(group.children));
    if (isObject(group.vars)) own.vars = group.vars;
    for (const host of texts(group.hosts))
      addHost(inventory, name, host, isObject(vars[host]) ? vars[host] : {});
  }
  return inventory;
}

/** `all: {hosts: {…}, children: {web: {hosts: …}}}` */
function fromYaml(document: Record<string, unknown>): Inventory {
  const inventory = emptyInventory();
  const walk = (name: string, value: unknown, depth: number): void => {
    if (depth > 32) throw new Error('groups are nested more than 32 levels deep');
    const group = groupOf(inventory, name);
    if (!isObject(value)) return;
    for (const [host, vars] of Object.entries(isObject(value.hosts) ? value.hosts : {}))
      addHost(inventory, name, host, isObject(vars) ? vars : {});
    if (isObject(value.vars)) group.vars = { ...group.vars, ...value.vars };
    for (const [child, inner] of Object.entries(isObject(value.children) ? value.children : {})) {
      if (!group.children.includes(child)) group.children.push(child);
      walk(child, inner, depth + 1);
    }
    for (const key of Object.keys(value))
      if (!['hosts', 'vars', 'children'].includes(key))
        inventory.notes.push(`group ${name} has the field ${key}`);
  };
  if (!isObject(document)) throw new Error('it holds no groups');
  for (const [name, value] of Object.entries(document)) walk(name, value, 0);
  return inventory;
}

/** `[web]`, `[web:vars]`, `[all:children]`, and lines with hosts and their variables. */
function fromIni(text: string): Inventory {
  const inventory = emptyInventory();
  let [group, kind] = ['ungrouped', 'hosts'];
  for (const [at, written] of text.split(/\r?\n/).entries()) {
    const line = written.replace(/(^|\s)[#;].*$/, '').trim();
    if (line === '') continue;
    const section = /^\[([^\]:]+)(?::(\w+))?\]$/.exec(line);
    if (section) {
      [group, kind] = [section[1] as string, section[2] ?? 'hosts'];
      if (!['hosts', 'vars', 'children'].includes(kind))
        throw new Error(`line ${at + 1}: [${group}:${kind}] is no section`);
      groupOf(inventory, group);
    } else if (kind === 'children') groupOf(inventory, group).children.push(line);
    else if (kind === 'vars')
      Object.assign(groupOf(inventory, group).vars, pairs([line.replace(/\s*=\s*/, '=')], at));
    else {
      const [host = '', ...rest] = wordsOf(line);
      addHost(inventory, group, hostAndPort(host, rest), pairs(rest, at));
    }
  }
  return inventory;
}

/** `web:2222` is a host with a port, unless it is a pattern or an IPv6 address. */
function hostAndPort(host: string, rest: string[]): string {
  const port = /^([^:[\]]+):(\d+)$/.exec(host);
  if (!port) return host;
  rest.push(`ansible_port=${port[2]}`);
  return port[1] as string;
}

/** Words of a line; quotation marks keep blanks together. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word);
}

function pairs(words: readonly string[], at: number): Variables {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf('=');
      if (equals <= 0)
        throw new Error(`line ${at + 1}: ${JSON.stringify(word.slice(0, 40))} is no name=value`);
      return [word.slice(0, equals), word.slice(equals + 1).replace(/^(["'])(.*)\1$/, '$2')];
    }),
  );
}
