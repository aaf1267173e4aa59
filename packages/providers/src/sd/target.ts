/** The host of a node's address, without the SSH port that it may carry; IPv6 without brackets. */
export function hostOf(address: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address);
  if (bracketed) return bracketed[1] ?? '';
  return /^([^:]+):\d+$/.exec(address)?.[1] ?? address;
}

/**
 * `host:port` of the service on a node.
 * @throws Error when the host could mean more than a host in a configuration file.
 */
export function serviceAddress(address: string, port: number): string {
  const host = hostOf(address);
  if (!/^[0-9A-Za-z._:-]+$/.test(host)) throw new Error(`${address} is not an address of a node`);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
