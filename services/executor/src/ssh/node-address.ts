/**
 * The host and port of a node's address: `10.0.0.7`, `10.0.0.7:2222`, `web-1.example`, `[2001:db8::1]:2222`,
 * `2001:db8::1`.
 */
export function parseNodeAddress(address: string, defaultPort: number): { host: string; port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(address);
  if (bracketed) return { host: bracketed[1] ?? '', port: bracketed[2] ? Number(bracketed[2]) : defaultPort };
  const named = /^([^:]+):(\d+)$/.exec(address);
  if (named) return { host: named[1] ?? '', port: Number(named[2]) };
  return { host: address, port: defaultPort };
}
