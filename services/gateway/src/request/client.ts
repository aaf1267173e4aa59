import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** The client whose share of the gateway counts: a token, or without one, the address that requests come from. */
export interface Client {
  /** Unique among the clients of a gateway. */
  key: string;
  /** For messages. */
  name: string;
}

export function clientOf({ principal, ip }: Pick<FastifyRequest, 'principal' | 'ip'>): Client {
  if (principal) return { key: `token ${principal.tokenId}`, name: `token ${principal.name}` };
  const name = `address ${networkOf(ip)}`;
  return { key: name, name };
}

/**
 * The network of a host, which the host cannot leave by taking another address: its IPv4 address, or the /64 of its
 * IPv6 address.
 * @param address the client's address as Fastify gives it, behind trusted proxies.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [plain = ''] = address.toLowerCase().split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return address;
  const [before = '', after] = plain.split('::');
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : []);
  const [head, tail] = [groups(before), groups(after)];
  // An IPv4 address at the end counts as two groups; neither is among the first four.
  const length = head.length + tail.length + (plain.includes('.') ? 1 : 0);
  const zeros = after === undefined ? [] : Array<string>(Math.max(0, 8 - length)).fill('0');
  const network = [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
