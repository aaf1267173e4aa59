import { createHash, randomBytes } from 'node:crypto';

/*
 * The texts of credentials: of an API token `rgl_<id>_<secret>`, of a session `rgs_<id>_<secret>`, of a one-time code
 * `rgc_<secret>`. Scanners find a leaked one by the prefix. The id identifies token and session, so that no look-up uses
 * the secret.
 */

const SECRET_BYTES = 32;
const TOKEN = /^rgl_(0|[1-9]\d{0,14})_([A-Za-z0-9_-]{43})$/;
const SESSION = /^rgs_(0|[1-9]\d{0,14})_([A-Za-z0-9_-]{43})$/;
const CODE = /^rgc_([A-Za-z0-9_-]{43})$/;

/** A new secret of 256 random bits, and its hash, which is stored. A secret that cannot be guessed needs no salt. */
export function newTokenSecret(): { secret: string; hash: string } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { secret, hash: hashOf(secret) };
}

export function tokenText(id: number, secret: string): string {
  return `rgl_${id}_${secret}`;
}

/** The id of the token and the hash of its secret; undefined: the text is no token. */
export function readTokenText(text: string): { id: number; hash: string } | undefined {
  return read(TOKEN, text);
}

export function sessionText(id: number, secret: string): string {
  return `rgs_${id}_${secret}`;
}

/** The id of the session and the hash of its secret; undefined: the text is no session's. */
export function readSessionText(text: string): { id: number; hash: string } | undefined {
  return read(SESSION, text);
}

export function codeText(secret: string): string {
  return `rgc_${secret}`;
}

/** The hash of a one-time code's secret; undefined: the text is no code. */
export function readCodeText(text: string): string | undefined {
  const secret = CODE.exec(text)?.[1];
  return secret === undefined ? undefined : hashOf(secret);
}

function read(form: RegExp, text: string): { id: number; hash: string } | undefined {
  const parts = form.exec(text);
  if (!parts) return undefined;
  return { id: Number(parts[1]), hash: hashOf(parts[2] as string) };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
