import { isIPv4, isIPv6 } from 'node:net';
import { nodeIdentity, ServiceError, show } from '@rigel/contracts';

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
/** Resolvers read a host name that ends so as an IPv4 address in short form; digits alone would be a node id. */
const NUMBER = /^(\d+|0x[\da-f]*)$/i;

function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? '')
  );
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

/**
 * Whether a text is an IPv4 address, an IPv6 address or a host name, each with or without the SSH port:
 * `10.0.0.7`, `10.0.0.7:2222`, `::1`, `[::1]`, `[::1]:2222`, `web-1.example.org:22`.
 */
export function isAddress(text: string): boolean {
  if (isIPv6(text)) return true;
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(text);
  if (bracketed) return isIPv6(bracketed[1] ?? '') && (bracketed[2] === undefined || isPort(bracketed[2]));
  const [host = '', port, ...rest] = text.split(':');
  return rest.length === 0 && (isIPv4(host) || isHostName(host)) && (port === undefined || isPort(port));
}

/**
 * Reads the addresses of nodes that are entered by hand: blanks around them are trimmed; they are kept as they are
 * written. Names are not resolved, so a name and the address it stands for count as two.
 * @throws ServiceError `invalid` for an empty list, a blank or a malformed entry, `conflict` for one that is repeated,
 *   in whatever spelling.
 */
export function readAddresses(nodes: readonly string[], sshPort: number): string[] {
  if (nodes.length === 0) throw new ServiceError('blank', 'nodes must not be empty', 'nodes');
  const addresses = nodes.map((entry) => entry.trim());
  const blank = addresses.indexOf('');
  if (blank >= 0) throw new ServiceError('blank', `entry ${blank + 1} of nodes is blank`, 'nodes');
  const malformed = addresses.find((address) => !isAddress(address));
  if (malformed !== undefined) {
    throw new ServiceError('not_an_address', `nodes: ${show(malformed)} is not an address`, 'nodes', {
      value: malformed,
    });
  }
  const seen = new Map<string, string>();
  for (const address of addresses) {
    const identity = nodeIdentity(address, sshPort);
    const first = seen.get(identity);
    if (first !== undefined) {
      const repeated =
        first === address
          ? `${show(address)} stands in the list twice`
          : `${show(first)} and ${show(address)} are one machine`;
      throw new ServiceError('address_twice', `nodes: ${repeated}`, 'nodes', { value: address });
    }
    seen.set(identity, address);
  }
  return addresses;
}
