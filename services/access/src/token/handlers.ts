import { access } from '@rigel/contracts';
import { type EventRelay, metaOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import { readPage } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { LastUse } from '../last-use.js';
import type { AccessTables } from '../tables.js';
import { authenticate } from './authenticate.js';
import { createToken, revokeToken, tokenRows } from './tokens.js';

/** Serves the operations on tokens. */
export function serveTokens(
  operations: Operations,
  { db, relay, log }: { db: Kysely<AccessTables>; relay: EventRelay; log: Logger },
): void {
  const untyped = db as Kysely<unknown>;
  const lastUse = new LastUse(db, 'token_uses');

  operations.serve(access.authenticate, async (credentials) => {
    const now = Date.now();
    const verdict = await authenticate(db, credentials, now);
    if (verdict.valid) {
      // Without waiting: nothing depends on it.
      lastUse.note(credentials.id, now).catch((error: unknown) => {
        log.warn({ err: error, token: credentials.id }, 'recording the last use of a token failed');
      });
    }
    return verdict;
  });

  operations.serve(access.listTokens, (page) => readPage(tokenRows(db).orderBy('id', 'desc'), page));

  operations.serve(access.createToken, async ({ may_run, ...token }, context) => {
    const wanted = { ...token, mayRun: may_run || undefined };
    const id = await createToken(untyped, wanted, metaOf(context), context.once);
    relay.notify();
    return { id };
  });

  operations.serve(access.revokeToken, async ({ id }, context) => {
    await revokeToken(untyped, id, metaOf(context));
    relay.notify();
    return {};
  });
}
