import { createHash, randomBytes } from 'node:crypto';

/*
 * The text of an API token: `rgl_<id>_<secret>`. Scanners find a leaked token by the prefix. The id identifies the
 * token, so that no look-up uses the secret.
 */

const SECRET_BYTES = 32;
const TEXT = /^rgl_(0|[1-9]\d{0,14})_([A-Za-z0-9_-]{43})$/;

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
  const parts = TEXT.exec(text);
  if (!parts) return undefined;
  return { id: Number(parts[1]), hash: hashOf(parts[2] as string) };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
