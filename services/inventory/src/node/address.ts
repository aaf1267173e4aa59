import { isAddress, nodeIdentity, ServiceError, show } from '@rigel/contracts';

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
