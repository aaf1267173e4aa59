import { sessions } from '@rigel/contracts';
import { type EventRelay, metaOf } from '@rigel/event-store';
import type { Operations } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { LastUse } from '../last-use.js';
import type { AccessTables } from '../tables.js';
import { keepCode } from './codes.js';
import { endSession, listSessions, startSession } from './sessions.js';
import { checkSession } from './validity.js';

/** Serves the operations on sessions. */
export function serveSessions(
  operations: Operations,
  { db, relay, log }: { db: Kysely<AccessTables>; relay: EventRelay; log: Logger },
): void {
  const lastUse = new LastUse(db, 'session_uses');
  const lastUseOfToken = new LastUse(db, 'token_uses');

  operations.serve(sessions.check, async (credentials) => {
    const now = Date.now();
    const verdict = await checkSession(db, credentials, now);
    if (verdict.valid) {
      // Without waiting: nothing depends on it.
      Promise.all([lastUse.note(verdict.id, now), lastUseOfToken.note(verdict.token_id, now)]).catch(
        (error: unknown) =>
          log.warn({ err: error, session: verdict.id }, 'recording the last use of a session failed'),
      );
    }
    return verdict;
  });

  operations.serve(sessions.start, async (request, context) => {
    const started = await startSession(db, request, context);
    relay.notify();
    return started;
  });

  operations.serve(sessions.end, async ({ id }, context) => {
    await endSession(db, id, 'signed_out', metaOf(context));
    relay.notify();
    return {};
  });

  operations.serve(sessions.revoke, async ({ id }, context) => {
    await endSession(db, id, 'revoked', metaOf(context));
    relay.notify();
    return {};
  });

  operations.serve(sessions.list, (request) => listSessions(db, request));

  operations.serve(sessions.keepCode, (request) => keepCode(db, request, Date.now()));

  operations.serve(sessions.installation, () =>
    db.selectFrom('installation').select('id').executeTakeFirstOrThrow(),
  );
}
