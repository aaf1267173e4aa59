import { randomBytes } from 'node:crypto';

/** Only letters, digits, `-` and `_`: goes into an attribute and a header as it is. */
export function newNonce(): string {
  return randomBytes(18).toString('base64url');
}

/**
 * What the console's page may load and run: files of this server alone, and styles that carry the nonce. Text becomes script only by
 * the policy `rigel`, which the console uses for its worker's own file.
 */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "base-uri 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "worker-src 'self'",
    "require-trusted-types-for 'script'",
    'trusted-types rigel',
  ].join('; ');
}

/**
 * Where the console lies, as seen from an address below it: `./` from `tasks`, `../` from `task/42`. Relative, so that it also holds
 * behind an ingress that puts a prefix before our addresses.
 * @param rest what of the address follows `/console/`, without its query.
 */
export function baseOf(rest: string): string {
  const depth = rest.split('/').length - 1;
  return depth === 0 ? './' : '../'.repeat(depth);
}

/** The page as it was built, with its base and the nonce for the styles that libraries write into it. */
export function renderPage(built: string, { base, nonce }: { base: string; nonce: string }): string {
  return built.replace('<head>', `<head><base href="${base}"><meta property="csp-nonce" nonce="${nonce}">`);
}
