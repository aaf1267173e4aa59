import { type Static, Type } from 'typebox';
import { Text } from './forms.js';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * Operations of the access service: API tokens and the audit. Times are milliseconds since 1970.
 */

/** Roles of tokens, from the least to the most powerful. Each role includes the ones before it. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export const Role = Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('admin')]);
export type Role = Static<typeof Role>;

/** Whether a role includes the needed one. */
export function covers(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/**
 * Actors that are parts of the system. No token may have such a name: its actions would look like those of the system.
 */
export const SYSTEM_ACTORS: readonly string[] = [
  'crontab',
  'executor',
  'gateway',
  'inventory',
  'live',
  'readyz',
  'scheduler',
  'system',
  'unknown',
];

const Time = Type.Integer();
const MaybeTime = Type.Union([Time, Type.Null()]);

/** An API token, without its secret and the hash of it. */
export const ApiToken = Type.Object({
  id: Id,
  name: Type.String(),
  role: Role,
  /** It may run one-off commands although its role could not. Absent: it may not, or an earlier release answers. */
  may_run: Type.Optional(Type.Boolean()),
  created: Time,
  created_by: Type.String(),
  /** From this time on the token is refused; null = it never expires. */
  expires: MaybeTime,
  revoked: MaybeTime,
  /** Name of the token or operator that revoked it; empty while it is not revoked. */
  revoked_by: Type.String(),
  /** Time of the last use, exact to a minute; null = never used. */
  last_used: MaybeTime,
});
export type ApiToken = Static<typeof ApiToken>;

/** SHA-256 of a token's secret, in hexadecimal digits. */
export const SecretHash = Type.String({ maxLength: 64, pattern: '^[0-9a-f]{64}$' });

/** Why credentials were refused. For the audit only: the client gets the same answer to all. */
export const CredentialFault = Type.Union([
  Type.Literal('unknown'),
  Type.Literal('wrong'),
  Type.Literal('revoked'),
  Type.Literal('expired'),
]);
export type CredentialFault = Static<typeof CredentialFault>;

/**
 * The outcome of a request. `done`; `denied`: no valid credentials, or not the needed role; `refused`: a rule or the
 * state of things does not allow it; `failed`: a fault, and this line alone does not say whether the change was made.
 */
export const Outcome = Type.Union([
  Type.Literal('done'),
  Type.Literal('denied'),
  Type.Literal('refused'),
  Type.Literal('failed'),
]);
export type Outcome = Static<typeof Outcome>;

/** A request that changed nothing, or whose result is not known. */
export const UnsuccessfulRequest = Type.Object({
  /** Number of the report in its gateway: 1, 2, 3 … */
  number: Type.Integer({ minimum: 1 }),
  time: Time,
  /** Name of the token; while access is off, the name that the client sent; empty = not known. */
  operator: Text,
  /** Id of the endpoint, or method and path if there is no such endpoint. */
  action: Text,
  /** The thing that the request addressed, `<kind>-<id>`; empty = nothing that exists. */
  target: Text,
  client: Text,
  correlation_id: Text,
  outcome: Type.Union([Type.Literal('denied'), Type.Literal('refused'), Type.Literal('failed')]),
  /** HTTP status. */
  status: Type.Integer(),
  reason: Text,
  /** Number of equal requests that this one stands for; it is the last of them. Absent: 1. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type UnsuccessfulRequest = Static<typeof UnsuccessfulRequest>;

const {
  outcome: _outcome,
  status: _status,
  reason: _reason,
  times: _times,
  ...asked
} = UnsuccessfulRequest.properties;

/** A request that was carried out and leads to no event: it began a check, and changed nothing. */
export const DoneRequest = Type.Object(asked);
export type DoneRequest = Static<typeof DoneRequest>;

/** A line of the audit. */
export const AuditEntry = Type.Object({
  id: Id,
  time: Time,
  operator: Type.String(),
  action: Type.String(),
  target: Type.String(),
  /** Name or address of the target, if the event has it. */
  name: Type.String(),
  /** Address of the client; empty = the system acted for itself. */
  client: Type.String(),
  correlation_id: Type.String(),
  outcome: Outcome,
  /** HTTP status of an unsuccessful request; 0 = it was done. */
  status: Type.Integer(),
  reason: Type.String(),
  /** Number of equal requests that this line stands for. Absent: 1, an access service of an earlier release answers. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type AuditEntry = Static<typeof AuditEntry>;

export const access = {
  /**
   * Checks whether a token is valid now, by its id and the hash of its secret. The answer holds at the time of the
   * request: a caller must not keep it for long.
   */
  authenticate: defineRpc('access.token.authenticate', {
    request: Type.Object({ id: Type.Integer({ minimum: 0 }), hash: SecretHash }),
    response: Type.Union([
      Type.Object({
        valid: Type.Literal(true),
        name: Type.String(),
        role: Role,
        may_run: Type.Optional(Type.Boolean()),
        expires: MaybeTime,
      }),
      /** `name` is empty if there is no token with this id. */
      Type.Object({ valid: Type.Literal(false), fault: CredentialFault, name: Type.String() }),
    ]),
  }),
  /** Newest first. */
  listTokens: defineRpc('access.token.list', {
    request: Type.Object(pageFields),
    response: pageOf(ApiToken),
  }),
  /**
   * The caller keeps the secret and sends only its hash. `conflict`: a token that is not revoked has this name;
   * `invalid`: the name is reserved for the system, or the token would have expired already.
   */
  createToken: defineRpc('access.token.create', {
    request: Type.Object({
      name: Text,
      role: Role,
      may_run: Type.Optional(Type.Boolean()),
      hash: SecretHash,
      expires: MaybeTime,
    }),
    response: Created,
    keyed: true,
  }),
  /** `not_found`: no such token. Revoking it again changes nothing. */
  revokeToken: defineRpc('access.token.revoke', { request: Type.Object({ id: Id }), response: Done }),

  /**
   * Adds requests to the audit that no event tells of: unsuccessful ones, and those that began a check. A repeated call adds
   * nothing twice. `dropped`: how many more there were since the last call, about which nothing else is known.
   */
  recordRequests: defineRpc('access.audit.record', {
    request: Type.Object({
      /** Random name of the gateway process, new at each start. */
      gateway: Type.String({ minLength: 1, maxLength: 64 }),
      requests: Type.Array(UnsuccessfulRequest, { maxItems: 1_000 }),
      /** Absent: none. Their numbers are of the same row as those of the others. */
      done: Type.Optional(Type.Array(DoneRequest, { maxItems: 1_000 })),
      dropped: Type.Integer({ minimum: 0 }),
    }),
    response: Done,
  }),
  /** Newest first. A line must meet all given conditions. */
  listAudit: defineRpc('access.audit.list', {
    request: Type.Object({
      ...pageFields,
      operator: Type.Optional(Text),
      action: Type.Optional(Text),
      target: Type.Optional(Text),
      outcome: Type.Optional(Outcome),
      correlation_id: Type.Optional(Text),
      /** Only lines after this one in the order of the list. `not_found` (field `before`): there is no such line. */
      before: Type.Optional(Id),
      /** Not before. */
      from: Type.Optional(Time),
      /** Before. */
      to: Type.Optional(Time),
    }),
    response: pageOf(AuditEntry),
  }),
};
