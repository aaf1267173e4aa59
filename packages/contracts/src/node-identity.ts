import { isIPv4, isIPv6 } from 'node:net';

/*
 * An address of a machine can be spelled in several ways. This file alone decides which spellings are one machine. It
 * does not resolve names: a host name and its address are two identities, and so are two names of one host.
 */

/** Stands in place of the address of a node while the node has none. Any number of nodes may have it. */
export const NO_ADDRESS = '-';

interface AddressParts {
  /** In canonical form. An IPv6 address has brackets, so that a port can follow. */
  host: string;
  port: number | undefined;
}

const PORT = /^[1-9]\d{0,4}$/;

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 65_535;
}

/** `::ffff:a.b.c.d` in the spelling of URLs. */
const MAPPED = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/;
/** `fe80::/10`: only in these addresses the zone is part of the identity. */
const LINK_LOCAL = /^\[fe[89ab]/;

function canonicalIPv6(text: string): string {
  const [address = '', zone] = text.split('%');
  // The URL parser spells an IPv6 address as RFC 5952 demands, except that it writes IPv4 parts in hexadecimal.
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
  // No address: its own canonical form.
  return { host: address, port: undefined };
}

/**
 * The canonical form of a node's address. Two addresses are one machine if their canonical forms are equal.
 *
 * - IPv4 as it is; an IPv4-mapped IPv6 address (`::ffff:10.0.0.7`) is that IPv4 address.
 * - IPv6 in lower case and shortest form (RFC 5952), in brackets; the zone (`%eth0`, its case counts) stays on a
 *   link-local address and means nothing elsewhere.
 * - A host name in lower case, without a dot at its end.
 * - The port, unless it is `sshPort`, the default for an address without a port.
 *
 * A text that is no address, such as `NO_ADDRESS`, is its own canonical form.
 * @param sshPort absent: every written port counts. The inventory stores that form, so that the default can be changed
 *   later.
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

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
/** Resolvers read a host name that ends so as an IPv4 address in short form; digits alone would be a node id. */
const NUMBER = /^(\d+|0x[\da-f]*)$/i;

function isHostName(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 && labels.every((label) => LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? '')
  );
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
