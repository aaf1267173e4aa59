import { isIP } from 'node:net';
import { ConfigError } from '@rigel/runtime';

/** Names for networks that Fastify knows. */
const NAMED = new Set(['loopback', 'linklocal', 'uniquelocal']);

/**
 * Reads RIGEL_HTTP_TRUST_PROXY: the proxies that may say where a request comes from. It cannot name all addresses: a
 * client could then write any address into the audit.
 * @returns the value for Fastify's option `trustProxy`.
 * @throws ConfigError
 */
export function trustedProxies(text: string): false | string[] {
  const given = text.trim();
  if (given === '') return false;
  const entries = given.split(',').map((entry) => entry.trim());
  for (const entry of entries) {
    if (NAMED.has(entry) || isIP(entry) || isNetwork(entry)) continue;
    throw new ConfigError(
      `RIGEL_HTTP_TRUST_PROXY is wrong: ${entry} (expected addresses or networks of proxies)`,
    );
  }
  return entries;
}

function isNetwork(entry: string): boolean {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
