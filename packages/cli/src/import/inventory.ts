/** What an inventory of Ansible says, whatever form it was written in. */
export interface Inventory {
  /** In the order in which they stand. */
  groups: Map<string, Group>;
  /** Variables of hosts. */
  hosts: Map<string, Variables>;
  /** What was not understood, for people. */
  notes: string[];
}

export type Variables = Record<string, unknown>;

export interface Group {
  hosts: string[];
  children: string[];
  vars: Variables;
}

/** Hosts that one pattern may stand for. */
const MOST_HOSTS = 10_000;

export const emptyInventory = (): Inventory => ({ groups: new Map(), hosts: new Map(), notes: [] });

export function groupOf({ groups }: Inventory, name: string): Group {
  const known = groups.get(name);
  if (known) return known;
  const made: Group = { hosts: [], children: [], vars: {} };
  groups.set(name, made);
  return made;
}

/** Enters a host, or the hosts of a pattern, into a group. */
export function addHost(inventory: Inventory, group: string, pattern: string, vars: Variables): void {
  for (const host of hostsOf(pattern)) {
    const { hosts } = groupOf(inventory, group);
    if (!hosts.includes(host)) hosts.push(host);
    inventory.hosts.set(host, { ...inventory.hosts.get(host), ...vars });
  }
}

/** `web[01:50].example.org` and `db-[a:f]` are many hosts. @throws Error */
export function hostsOf(pattern: string): string[] {
  const range = /\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\]/.exec(pattern);
  if (!range) return [pattern];
  const [whole, from = '', to = '', step = '1'] = range;
  const isNumber = /^\d/.test(from);
  if (isNumber !== /^\d/.test(to))
    throw new Error(`${pattern}: a range goes from a number to a number, or from a letter to a letter`);
  const code = (text: string): number => (isNumber ? Number(text) : text.charCodeAt(0));
  const width = isNumber && from.startsWith('0') ? from.length : 0;
  const by = Math.max(1, Number(step));
  if ((code(to) - code(from)) / by > MOST_HOSTS)
    throw new Error(`${pattern} stands for more than ${MOST_HOSTS} hosts`);
  const names: string[] = [];
  for (let at = code(from); at <= code(to); at += by) {
    const part = isNumber ? String(at).padStart(width, '0') : String.fromCharCode(at);
    names.push(...hostsOf(pattern.slice(0, range.index) + part + pattern.slice(range.index + whole.length)));
    if (names.length > MOST_HOSTS) throw new Error(`${pattern} stands for more than ${MOST_HOSTS} hosts`);
  }
  return names;
}
