/**
 * Where the console lies. The page that the gateway answers has a `<base>` that leads to `…/console/` however deep its address is, so
 * nothing here needs to know a prefix that an ingress put before it.
 */

/** The console's own address, with a slash at its end. */
export const consoleRoot = new URL('.', document.baseURI);

/** The API's address: the console's parent, with a slash at its end. */
export const apiRoot = new URL('..', consoleRoot);

/** What the router takes off each path. */
export const routerBase = consoleRoot.pathname.replace(/\/$/, '');
