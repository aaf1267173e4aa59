import { createHash, randomBytes } from 'node:crypto';

/*
 * The text of an API token: `rgl_<id>_<secret>`. The prefix lets scanners find one that was committed or pasted
 * somewhere; the id says which token is meant, so that nothing has to be looked up by a secret.
 */

const SECRET_BYTES = 32;
const TEXT = /^rgl_(0|[1-9]\d{0,14})_([A-Za-z0-9_-]{43})$/;

/** A new secret of 256 random bits, and what is stored of it: a hash without salt is enough for what cannot be guessed. */
export function newTokenSecret(): { secret: string; hash: string } {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { secret, hash: hashOf(secret) };
}

export function tokenText(id: number, secret: string): string {
  return `rgl_${id}_${secret}`;
}

/** Which token a text names, and the hash of its secret; undefined when it is not the text of a token. */
export function readTokenText(text: string): { id: number; hash: string } | undefined {
  const parts = TEXT.exec(text);
  if (!parts) return undefined;
  return { id: Number(parts[1]), hash: hashOf(parts[2] as string) };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
