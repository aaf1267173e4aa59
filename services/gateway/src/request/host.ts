import { isIP, isIPv6 } from 'node:net';
import { show } from '@rigel/contracts';

/** The host that a request is for, by its Host header or by the address itself. */
export interface Host {
  /** In lower case; an IPv6 address without its brackets. */
  name: string;
  /** Empty: the one of the protocol. */
  port: string;
}

/** The parts of a request that name its host. */
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

/** Reads the value of a Host header; undefined if it is not a host. */
export function readHost(text: string): Host | undefined {
  const [, v6, name, port = ''] = HOST.exec(text) ?? [];
  if (Number(port) > MAX_PORT || (v6 !== undefined && !isIPv6(v6))) return undefined;
  const host = v6 ?? name;
  return host === undefined ? undefined : { name: host.toLowerCase(), port };
}

/**
 * The host that a request is for. Several Host headers, or an address with another host than the header, are wrong: a
 * proxy before the gateway could read another host than the gateway does.
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

/** All values of the header: among a request's headers Node keeps only the first. */
function hostHeaders(rawHeaders: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') found.push(rawHeaders[at + 1] as string);
  }
  return found;
}

/**
 * Whether a host is this machine: any address is, and so are the gateway's own names. A page of another site can only
 * have a name resolve to this machine, not an address.
 */
export function isOurs({ name }: Host, names: readonly string[]): boolean {
  return isIP(name) !== 0 || name === 'localhost' || names.includes(name);
}

const PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/** Whether an address (an Origin, a Referer) is on the host that a request is for. */
export function isOn(address: string, host: Host | undefined): boolean {
  if (!host || !URL.canParse(address)) return false;
  const { protocol, host: text } = new URL(address);
  const usual = PORTS[protocol];
  const there = readHost(text);
  if (usual === undefined || !there) return false;
  return there.name === host.name && (there.port || usual) === (host.port || usual);
}
