import { type Static, Type } from 'typebox';
import { Role, SecretHash } from './access.js';
import { Text } from './forms.js';
import { Done, Id } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * Operations of the access service on sessions of the web console. A session belongs to the token that it was started
 * with: that token's name is the operator, its role the role. Times are milliseconds since 1970.
 */

/** A session ends at the latest after this time. */
export const SESSION_MS = 12 * 3_600_000;
/** A session ends after this time without a request or an open stream. */
export const SESSION_IDLE_MS = 3_600_000;
/** A one-time code starts a session within this time. */
export const SESSION_CODE_MS = 60_000;

/** The id of a token or session, and the hash of the secret that its holder sent. */
export const Credentials = Type.Object({ id: Type.Integer({ minimum: 0 }), hash: SecretHash });
export type Credentials = Static<typeof Credentials>;

/** What a session was started with. */
export const StartedWith = Type.Union([Type.Literal('token'), Type.Literal('code')]);
export type StartedWith = Static<typeof StartedWith>;

/**
 * Why a session ended: the person signed out; an administrator revoked it; its token was revoked or expired; nothing used
 * it for too long; its time was over.
 */
export const SessionEnd = Type.Union([
  Type.Literal('signed_out'),
  Type.Literal('revoked'),
  Type.Literal('token'),
  Type.Literal('idle'),
  Type.Literal('expired'),
]);
export type SessionEnd = Static<typeof SessionEnd>;

/** Why no session was started, or why one is not valid. For the audit only: the client gets the same answer to all. */
export const SessionFault = Type.Union([
  Type.Literal('unknown'),
  Type.Literal('wrong'),
  Type.Literal('revoked'),
  Type.Literal('expired'),
  Type.Literal('ended'),
  Type.Literal('idle'),
  Type.Literal('token'),
]);
export type SessionFault = Static<typeof SessionFault>;

/** A session that is valid now, and what it has from its token. */
export const ValidSession = Type.Object({
  valid: Type.Literal(true),
  id: Id,
  token_id: Id,
  name: Type.String(),
  role: Role,
  may_run: Type.Optional(Type.Boolean()),
  expires: Type.Integer(),
});

/** `name` is empty if it is not known whose token or session it was. */
const InvalidSession = Type.Object({
  valid: Type.Literal(false),
  fault: SessionFault,
  name: Type.String(),
});

const Time = Type.Integer();
const MaybeTime = Type.Union([Time, Type.Null()]);

/** A session, without its secret and the hash of it. */
export const Session = Type.Object({
  id: Id,
  token_id: Id,
  /** Name of its token. */
  name: Type.String(),
  role: Role,
  started_with: StartedWith,
  /** Address that it was started from; empty: not known. */
  client: Type.String(),
  started: Time,
  /** Time of the last use, exact to a minute. */
  last_used: Time,
  expires: Time,
  /** Null while it has not ended. */
  ended: MaybeTime,
  end: Type.Union([SessionEnd, Type.Null()]),
  /** Name of the operator that ended it; `system` where nobody did; empty while it has not ended. */
  ended_by: Type.String(),
});
export type Session = Static<typeof Session>;

export const sessions = {
  /**
   * Starts a session by a token or by a one-time code, which works once. The caller keeps the secret of the session and
   * sends only its hash. `wrong_state`: the token has too many open sessions.
   */
  start: defineRpc('access.session.start', {
    request: Type.Object({
      with: Type.Union([Type.Object({ token: Credentials }), Type.Object({ code: SecretHash })]),
      hash: SecretHash,
    }),
    response: Type.Union([ValidSession, InvalidSession]),
  }),
  /** Whether a session is valid now. The answer holds at the time of the request, as that of `access.authenticate`. */
  check: defineRpc('access.session.check', {
    request: Credentials,
    response: Type.Union([ValidSession, InvalidSession]),
  }),
  /** Ends a session because its holder signs out. Ending it again changes nothing. */
  end: defineRpc('access.session.end', { request: Type.Object({ id: Id }), response: Done }),
  /** Ends a session of anybody. `not_found`: no such session. Revoking it again changes nothing. */
  revoke: defineRpc('access.session.revoke', { request: Type.Object({ id: Id }), response: Done }),
  /** Newest first. `ended`: also those that have ended. `next` is null at the end of the list. */
  list: defineRpc('access.session.list', {
    request: Type.Object({
      ended: Type.Boolean(),
      /** Only sessions with a smaller id. */
      before: Type.Optional(Id),
      limit: Type.Integer({ minimum: 1, maximum: 1_000 }),
    }),
    response: Type.Object({ rows: Type.Array(Session), next: Type.Union([Id, Type.Null()]) }),
  }),
  /** Keeps the hash of a one-time code, which starts a session of this token. @returns when it stops working. */
  keepCode: defineRpc('access.session.keep_code', {
    request: Type.Object({ token_id: Id, hash: SecretHash }),
    response: Type.Object({ expires: Time }),
  }),
  /** A random id of this installation, which its database keeps: 16 hexadecimal digits. */
  installation: defineRpc('access.session.installation', {
    request: Type.Object({}),
    response: Type.Object({ id: Text }),
  }),
};
