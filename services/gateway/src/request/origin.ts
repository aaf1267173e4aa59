import { show } from '@rigel/contracts';
import { type Host, isOn, isOurs } from './host.js';

/** What a browser says of where a request comes from, and by what a browser is known. */
export type OriginHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A request, as far as it matters where it comes from. */
export interface OriginFacts {
  headers: OriginHeaders;
  /** Whom it means, see `hostOf`. */
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
 * Without authentication, being reachable from this machine only is what protects the API; but every page that somebody
 * on this machine looks at can send requests here, too. A browser of today says so (`Sec-Fetch-Site`, `Origin`), but not every
 * browser does to every address; so what changes something is done for a browser only when it is certain that a page of ours
 * asks. And a name of the attacker's that resolves to this address shows in `Host`, which for other clients is an address or a
 * name we know.
 *
 * This holds where access is on as well: a browser sends no token by itself, but a proxy may add one for it.
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
  // Somebody typed the address, or followed a link in a mail; or the browser fetched ahead what they may be going to type.
  if (site === 'none' && method !== 'GET') return undefined;
  if ((site === undefined && referer !== undefined) || isNoPages(headers.authorization)) return undefined;
  if (isBrowser(headers))
    return `a browser changes something by ${method} only from a page of this address: ${WAY_OUT}`;
  if (method === 'GET' && isForElement(headers.accept))
    return `what changes something is no picture, style or script (Accept ${show(headers.accept)}): ask for application/json`;
  return undefined;
}

/** Credentials that a browser keeps and sends by itself, whichever page asks; it does that with no others. */
const KEPT_BY_BROWSERS = /^(basic|digest|negotiate|ntlm)\b/i;

/** Whether there is an Authorization that a page of another site cannot have sent: its browser would ask us first whether it may. */
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
 * Whether a request is a browser's, or of something that shows pages as one does. Each sign alone is enough: browsers of the last
 * ten years send the first two with every request, whatever on a page asks for it.
 */
function isBrowser(headers: OriginHeaders): boolean {
  const agent = String(headers['user-agent'] ?? '');
  if (BROWSER.test(agent) && !NO_BROWSER.test(agent)) return true;
  // Node's own fetch takes every language.
  const language = headers['accept-language'];
  if (language !== undefined && language !== '*') return true;
  for (const name in headers) {
    if (ONLY_BROWSERS.has(name)) return true;
    // Node's own fetch says its mode.
    if (name.startsWith('sec-') && name !== 'sec-fetch-mode') return true;
  }
  return false;
}

const ELEMENTS =
  /\b(image|audio|video|font)\/|\btext\/(css|javascript|vtt)\b|\b(x-)?(javascript|ecmascript|font-)/i;
const DATA_OR_PAGE = /\bjson\b|\btext\/(html|plain)\b/i;

/** Whether what is asked for is what the elements of a page show or run. */
function isForElement(accept: string | string[] | undefined): boolean {
  const text = String(accept ?? '');
  return ELEMENTS.test(text) && !DATA_OR_PAGE.test(text);
}
