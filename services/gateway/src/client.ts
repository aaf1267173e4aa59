import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** Who is meant where everybody has a share: a token, or where there is none, where requests come from. */
export interface Client {
  /** Unique among the clients of a gateway. */
  key: string;
  /** For messages. */
  name: string;
}

export function clientOf({ principal, ip }: Pick<FastifyRequest, 'principal' | 'ip'>): Client {
  if (principal) return { key: `token ${principal.credentials.id}`, name: `token ${principal.name}` };
  const name = `address ${networkOf(ip)}`;
  return { key: name, name };
}

/**
 * What one host cannot leave by taking another address: its IPv4 address, or the /64 of its IPv6 address, of which it has all.
 * @param address as Fastify tells it, that of a client behind proxies that are trusted.
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
  // The last group of an address with an IPv4 one in it stands for two; neither is among the first four.
  const length = head.length + tail.length + (plain.includes('.') ? 1 : 0);
  const zeros = after === undefined ? [] : Array<string>(Math.max(0, 8 - length)).fill('0');
  const network = [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
