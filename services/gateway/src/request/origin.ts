import { isIP } from 'node:net';

/** What a browser says of where a request comes from, and what any client says of whom it means. */
export interface OriginHeaders {
  host?: string | undefined;
  origin?: string | string[] | undefined;
  'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * Why a request must not be carried out because of where it comes from; undefined when it may be.
 *
 * Without authentication, being reachable from this machine only is what protects the API; but every page that somebody
 * on this machine looks at can send requests here, too. A browser says so (`Origin`, `Sec-Fetch-Site`); and a name of the
 * attacker's that resolves to this address shows in `Host`, which for other clients is an address or a name we know.
 *
 * @param names host names that the API is known by; null = any.
 */
export function foreignOrigin(headers: OriginHeaders, names: readonly string[] | null): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site')
    return 'requests from the pages of other sites are refused';
  if (headers.origin !== undefined && hostOfOrigin(headers.origin) !== headers.host?.toLowerCase()) {
    return 'requests from the pages of other sites are refused';
  }
  const name = hostNameOf(headers.host);
  if (names !== null && name !== undefined && !isIP(name) && name !== 'localhost' && !names.includes(name)) {
    return 'this host name is not known here (see RIGEL_HTTP_NAMES)';
  }
  return undefined;
}

function hostOfOrigin(origin: string | string[]): string | undefined {
  try {
    return new URL(String(origin)).host;
  } catch {
    return undefined;
  }
}

/** The name without its port, an IPv6 address without its brackets. */
function hostNameOf(host: string | undefined): string | undefined {
  if (host === undefined || host === '') return undefined;
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return (bracketed ? bracketed[1] : host.replace(/:\d*$/, ''))?.toLowerCase();
}
