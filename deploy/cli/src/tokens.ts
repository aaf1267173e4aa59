import { userInfo } from 'node:os';
import {
  type AccessTables,
  checkTokenName,
  createToken as create,
  revokeToken as revoke,
  tokenRows,
} from '@rigel/access/maintenance';
import { type ApiToken, newTokenSecret, type Role, tokenText } from '@rigel/contracts';
import type { EventMeta } from '@rigel/event-store';
import { newCorrelationId } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { withDatabases } from './databases.js';
import type { Output } from './output.js';
import { table } from './table.js';

/*
 * Tokens are made and revoked in the database itself, as the API would. So everyone who has its password may, and the
 * first token of a new system can be made. The services read the same rows: the next request finds a revoked token revoked.
 */

/** Makes a token. Only the token goes to standard output, so that a script can keep it. @returns the exit status. */
export async function createToken(
  {
    name: given,
    role,
    mayRun,
    expiresInMs,
    json,
  }: { name: string; role: Role; mayRun: boolean; expiresInMs: number | null; json: boolean },
  env: NodeJS.ProcessEnv,
  { out, note }: Output,
): Promise<number> {
  const name = checkTokenName(given);
  const { secret, hash } = newTokenSecret();
  const expires = expiresInMs === null ? null : Date.now() + expiresInMs;
  const id = await withDatabases(env, async (open) =>
    create(await open('access'), { name, role, mayRun: mayRun || undefined, hash, expires }, meta()),
  );
  const token = tokenText(id, secret);
  if (json) {
    out(JSON.stringify({ id, name, role, may_run: mayRun, expires, token }));
    return 0;
  }
  out(token);
  const until = expires === null ? 'until it is revoked' : `until ${iso(expires)}`;
  note(
    `token ${id}, ${name}, ${role}${mayRun ? ' that may run commands' : ''}, valid ${until}; it cannot be shown again`,
  );
  return 0;
}

/** Lists the tokens, newest first. With `json` each is a line. @returns the exit status. */
export async function listTokens(
  { json }: { json: boolean },
  env: NodeJS.ProcessEnv,
  { out }: Output,
): Promise<number> {
  const tokens = await withDatabases(env, async (open) =>
    tokenRows((await open('access')) as unknown as Kysely<AccessTables>)
      .orderBy('id', 'desc')
      .execute(),
  );
  if (json) for (const token of tokens) out(JSON.stringify(token));
  else {
    const now = Date.now();
    const head = ['id', 'name', 'role', 'state', 'created', 'by', 'last used'];
    const rows = tokens.map((token) => [
      String(token.id),
      token.name,
      `${token.role}${token.may_run ? ' +run' : ''}`,
      stateOf(token, now),
      iso(token.created),
      token.created_by,
      token.last_used === null ? 'never' : iso(token.last_used),
    ]);
    for (const line of table(head, rows)) out(line);
  }
  return 0;
}

/** Revokes a token. @returns the exit status. */
export async function revokeToken(
  { id }: { id: number },
  env: NodeJS.ProcessEnv,
  { out }: Output,
): Promise<number> {
  const revoked = await withDatabases(env, async (open) => revoke(await open('access'), id, meta()));
  out(revoked ? `token ${id} is revoked` : `token ${id} was revoked already`);
  return 0;
}

function meta(): EventMeta {
  return { correlationId: newCorrelationId(), actor: `rigel (${userInfo().username})` };
}

function stateOf({ revoked, revoked_by, expires }: ApiToken, now: number): string {
  if (revoked !== null) return `revoked ${iso(revoked)} by ${revoked_by}`;
  if (expires === null) return 'valid';
  return `${expires <= now ? 'expired' : 'valid until'} ${iso(expires)}`;
}

const iso = (ms: number): string => new Date(ms).toISOString();
