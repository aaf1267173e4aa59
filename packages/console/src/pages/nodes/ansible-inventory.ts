/** An address of the API for a node that has none. */
const NO_ADDRESS = '-';

/** A node's address as host and port; the API writes IPv6 with a port as `[::1]:22`. */
function partsOf(ip: string): { host: string; port: string | undefined } {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(ip) ?? [];
  return { host: bracketed ?? plain ?? ip, port };
}

/** A name that Ansible takes for a group: letters, digits, underscores, no digit first. */
function groupName(pool: string): string {
  return pool.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
}

/** Nodes as an Ansible inventory in INI form, a group for each pool. Nodes without an address are left out. */
export function ansibleInventory(nodes: readonly { ip: string; pool_name: string }[]): string {
  const groups = new Map<string, string[]>();
  for (const { ip, pool_name } of nodes) {
    if (ip === NO_ADDRESS) continue;
    const { host, port } = partsOf(ip);
    // In this form a colon ends the name of a host.
    const name = ip.replaceAll(/[[\]]/g, '').replaceAll(':', '_');
    const variables = [
      ...(name === host ? [] : [`ansible_host=${host}`]),
      ...(port ? [`ansible_port=${port}`] : []),
    ];
    const group = groupName(pool_name);
    groups.set(group, [...(groups.get(group) ?? []), [name, ...variables].join(' ')]);
  }
  return [...groups].map(([group, lines]) => [`[${group}]`, ...lines, ''].join('\n')).join('\n');
}
