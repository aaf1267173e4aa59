import { show } from '@rigel/contracts';
import { type Host, isOn, isOurs } from './host.js';

/** The headers by which a browser says where a request comes from, and those that show that the client is a browser. */
export type OriginHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The parts of a request that show where it comes from. */
export interface OriginFacts {
  headers: OriginHeaders;
  /** The host that the request is for, see `hostOf`. */
  host: Host | undefined;
  method: string;
  /** Whether its endpoint changes something. */
  changes: boolean;
}

const OTHERS = 'requests from the pages of other sites are refused';
const WAY_OUT =
  'use a page of this address, or send a header Authorization (a name, or Bearer and a token), which no other site can make a browser send';

/**
 * Why a request must not be carried out because of where it comes from; undefined when it may be.
 *
 * Without authentication, the API is protected only because it can be reached from this machine alone. But every page
 * that a user of this machine opens can send requests here, too. Today's browsers say so (`Sec-Fetch-Site`, `Origin`),
 * but not every browser does for every address. So a browser may change something only if the request certainly comes
 * from one of the gateway's own pages. An attacker's name that resolves to this address shows in `Host`, which has an
 * address or a known name for other clients.
 *
 * This applies where access is on as well: a browser sends no token on its own, but a proxy may add one.
 *
 * @param names host names that the API is known by; null = any.
 */
export function foreignOrigin(facts: OriginFacts, names: readonly string[] | null): string | undefined {
  const { headers, host, changes } = facts;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return `${OTHERS} (Sec-Fetch-Site ${show(site)})`;
  const { origin } = headers;
  if (origin !== undefined && !isOn(String(origin), host)) return `${OTHERS} (Origin ${show(origin)})`;
  if (names !== null && host && !isOurs(host, names))
    return `the host name ${show(host.name)} is not known here (see RIGEL_HTTP_NAMES)`;
  return changes ? foreignChange(facts) : undefined;
}

function foreignChange({ headers, host, method }: OriginFacts): string | undefined {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || headers.origin !== undefined) return undefined;
  const { referer } = headers;
  if (site === undefined && referer !== undefined && !isOn(String(referer), host))
    return `${OTHERS} (Referer ${show(referer)})`;
  // The user typed the address or followed a link in a mail, or the browser fetched ahead an address that the user
  // types.
  if (site === 'none' && method !== 'GET') return undefined;
  if ((site === undefined && referer !== undefined) || isNoPages(headers.authorization)) return undefined;
  if (isBrowser(headers))
    return `a browser changes something by ${method} only from a page of this address: ${WAY_OUT}`;
  if (method === 'GET' && isForElement(headers.accept))
    return `what changes something is no picture, style or script (Accept ${show(headers.accept)}): ask for application/json`;
  return undefined;
}

/** The scheme of credentials that a browser keeps and sends for any page; it sends no others on its own. */
const KEPT_BY_BROWSERS = /^(basic|digest|negotiate|ntlm)\b/i;

/**
 * Whether the Authorization cannot come from a page of another site: the browser would ask the gateway first whether
 * the page may send it.
 */
function isNoPages(authorization: string | string[] | undefined): boolean {
  const text = String(authorization ?? '').trim();
  return text !== '' && !KEPT_BY_BROWSERS.test(text);
}

const BROWSER = /^(Mozilla|Opera)\//;
/** PowerShell calls itself a browser, and runs no pages. */
const NO_BROWSER = / (Windows)?PowerShell\//;
/** Headers that browsers alone send, and that no page can leave out. */
const ONLY_BROWSERS = new Set([
  'upgrade-insecure-requests',
  'dnt',
  'purpose',
  'x-purpose',
  'x-moz',
  'ping-to',
]);

/**
 * Whether a request comes from a browser, or from another program that shows pages. Each sign alone is enough: browsers
 * of the last ten years send the first two with every request of a page.
 */
function isBrowser(headers: OriginHeaders): boolean {
  const agent = String(headers['user-agent'] ?? '');
  if (BROWSER.test(agent) && !NO_BROWSER.test(agent)) return true;
  // Node's fetch accepts every language.
  const language = headers['accept-language'];
  if (language !== undefined && language !== '*') return true;
  for (const name in headers) {
    if (ONLY_BROWSERS.has(name)) return true;
    // Node's fetch sends its mode.
    if (name.startsWith('sec-') && name !== 'sec-fetch-mode') return true;
  }
  return false;
}

const ELEMENTS =
  /\b(image|audio|video|font)\/|\btext\/(css|javascript|vtt)\b|\b(x-)?(javascript|ecmascript|font-)/i;
const DATA_OR_PAGE = /\bjson\b|\btext\/(html|plain)\b/i;

/** Whether the request accepts what elements of a page show or run. */
function isForElement(accept: string | string[] | undefined): boolean {
  const text = String(accept ?? '');
  return ELEMENTS.test(text) && !DATA_OR_PAGE.test(text);
}
