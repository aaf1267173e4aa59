import { isIP, isIPv6 } from 'node:net';
import { show } from '@rigel/contracts';

/** Whom a request means, as its Host header or the address itself says. */
export interface Host {
  /** In lower case; an IPv6 address without its brackets. */
  name: string;
  /** Empty: the one of the protocol. */
  port: string;
}

/** What of a request says whom it means. */
export interface HostSource {
  /** The target of the request line, as it came. */
  target: string;
  /** Names and values in turns, as Node has them. */
  rawHeaders: readonly string[];
  httpVersion: string;
}

/** Name or IPv4 address, or IPv6 address in brackets; then perhaps a port. Nothing before, between and after. */
const HOST = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._~!$&'()*+,;=-]{1,253}))(?::(\d{0,5}))?$/i;
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;
const MAX_PORT = 65_535;

/** Reads what stands in a Host header; undefined when that is no host. */
export function readHost(text: string): Host | undefined {
  const [, v6, name, port = ''] = HOST.exec(text) ?? [];
  if (Number(port) > MAX_PORT || (v6 !== undefined && !isIPv6(v6))) return undefined;
  const host = v6 ?? name;
  return host === undefined ? undefined : { name: host.toLowerCase(), port };
}

/**
 * Whom a request means. More than one Host header, and an address that names another host than the header does, could mean
 * somebody else to whoever stands before us.
 * @returns the host, absent where HTTP/1.0 needs none; or what is wrong, for the client.
 */
export function hostOf({ target, rawHeaders, httpVersion }: HostSource): { host?: Host } | { wrong: string } {
  const [header, second] = hostHeaders(rawHeaders);
  if (second !== undefined) return { wrong: 'the header Host is there more than once' };
  if (header === undefined && httpVersion === '1.1') return { wrong: 'the header Host is missing' };
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority !== undefined && header !== undefined && authority.toLowerCase() !== header.toLowerCase())
    return {
      wrong: `the address names the host ${show(authority)}, and the header Host ${show(header)}: they must be the same`,
    };
  const text = header ?? authority;
  if (text === undefined) return {};
  const host = readHost(text);
  if (host) return { host };
  return { wrong: `the header Host must be a name or an address, and perhaps a port (got ${show(text)})` };
}

/** Node keeps the first one alone among a request's headers. */
function hostHeaders(rawHeaders: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') found.push(rawHeaders[at + 1] as string);
  }
  return found;
}

/**
 * Whether a host is this machine by an address, or by a name that is ours. Any address is: what a page of another site has
 * resolve to us is a name.
 */
export function isOurs({ name }: Host, names: readonly string[]): boolean {
  return isIP(name) !== 0 || name === 'localhost' || names.includes(name);
}

const PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/** Whether an address (an Origin, a Referer) is on the host that a request means. */
export function isOn(address: string, host: Host | undefined): boolean {
  if (!host || !URL.canParse(address)) return false;
  const { protocol, host: text } = new URL(address);
  const usual = PORTS[protocol];
  const there = readHost(text);
  if (usual === undefined || !there) return false;
  return there.name === host.name && (there.port || usual) === (host.port || usual);
}
