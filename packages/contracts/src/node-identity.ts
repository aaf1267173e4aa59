import { isIPv4, isIPv6 } from 'node:net';

/*
 * One machine may be written in several ways. Which of them are one and the same is decided here and nowhere else. Names
 * are not resolved: a name and the address it stands for are two identities, and so is a name under two domains.
 */

/** Stands in place of the address of a node while the node has none. Any number of nodes may have it. */
export const NO_ADDRESS = '-';

interface AddressParts {
  /** In canonical form; an IPv6 address in brackets, so that a port can follow. */
  host: string;
  port: number | undefined;
}

const PORT = /^[1-9]\d{0,4}$/;

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65_535;
}

/** `::ffff:a.b.c.d` as URLs write it. */
const MAPPED = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/;
/** `fe80::/10`: only there the zone is part of which machine is meant. */
const LINK_LOCAL = /^\[fe[89ab]/;

function canonicalIPv6(text: string): string {
  const [address = '', zone] = text.split('%');
  // The parser of URLs writes an IPv6 address as RFC 5952 wants it, but for IPv4 parts, which it writes in hexadecimal.
  const host = new URL(`http://[${address}]`).hostname;
  const mapped = MAPPED.exec(host);
  if (mapped) {
    const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return zone !== undefined && LINK_LOCAL.test(host) ? `${host.slice(0, -1)}%${zone}]` : host;
}

function canonicalHost(text: string): string {
  return isIPv4(text) ? text : text.toLowerCase().replace(/(?<=[^.])\.$/, '');
}

function parse(address: string): AddressParts {
  if (isIPv6(address)) return { host: canonicalIPv6(address), port: undefined };
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(address);
  if (bracketed) {
    const [, inner = '', port] = bracketed;
    if (isIPv6(inner) && (port === undefined || isPort(port))) {
      return { host: canonicalIPv6(inner), port: port === undefined ? undefined : Number(port) };
    }
  }
  const [host = '', port, ...rest] = address.split(':');
  if (rest.length === 0 && host !== '' && (port === undefined || isPort(port))) {
    return { host: canonicalHost(host), port: port === undefined ? undefined : Number(port) };
  }
  // No address: it is nothing but itself.
  return { host: address, port: undefined };
}

/**
 * The canonical form of a node's address: two addresses are one machine when theirs are equal.
 *
 * - IPv4 as it is; an IPv4-mapped IPv6 address (`::ffff:10.0.0.7`) is that IPv4 address.
 * - IPv6 in lower case and shortest form (RFC 5952), in brackets; the zone (`%eth0`, its case counts) stays on a link-local
 *   address and means nothing elsewhere.
 * - A host name in lower case, without a dot at its end.
 * - The port, unless it is `sshPort`, the one that an address without port is reached at.
 *
 * What is no address, `-` among it, is its own canonical form.
 * @param sshPort absent: every port that is written counts. That form is stored, so that another default can be set later.
 */
export function nodeIdentity(address: string, sshPort?: number): string {
  const { host, port } = parse(address);
  return port === undefined || port === sshPort ? host : `${host}:${port}`;
}

/** The stored forms (`nodeIdentity` without default) of all addresses that are the same machine as this one. */
export function identityKeys(address: string, sshPort: number): string[] {
  const { host, port } = parse(address);
  return port === undefined || port === sshPort ? [host, `${host}:${sshPort}`] : [`${host}:${port}`];
}
