import { type Static, Type } from 'typebox';
import { Created, Done, Id, pageFields, pageOf } from './paging.js';
import { defineRpc } from './rpc.js';

/*
 * Operations of the access service: who may use the API, and who did what. Times are milliseconds since 1970.
 */

/** What a token allows, from the least to the most; each allows all that the ones before it do. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export const Role = Type.Union([Type.Literal('viewer'), Type.Literal('operator'), Type.Literal('admin')]);
export type Role = Static<typeof Role>;

/** Whether a role allows what another one is needed for. */
export function covers(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Actors that are parts of the system: nobody can be named like them, or what they did would be taken for a person's. */
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

/** An API token, without anything that would let somebody use it. */
export const ApiToken = Type.Object({
  id: Id,
  name: Type.String(),
  role: Role,
  created: Time,
  created_by: Type.String(),
  /** From then on it is refused; null = never. */
  expires: MaybeTime,
  revoked: MaybeTime,
  /** Empty while it is not revoked. */
  revoked_by: Type.String(),
  /** Exact to a minute; null = not yet. */
  last_used: MaybeTime,
});
export type ApiToken = Static<typeof ApiToken>;

/** SHA-256 of a token's secret, in hexadecimal digits. */
export const SecretHash = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Why credentials are not accepted. For the audit alone: whoever sent them gets the same answer to all. */
export const CredentialFault = Type.Union([
  Type.Literal('unknown'),
  Type.Literal('wrong'),
  Type.Literal('revoked'),
  Type.Literal('expired'),
]);
export type CredentialFault = Static<typeof CredentialFault>;

/**
 * How something ended: it was `done`; it was `denied` for want of credentials or of a role; it was `refused`, as a rule or the
 * state of things does not allow it; or it `failed` by a fault, and nobody can say by this alone what came of it.
 */
export const Outcome = Type.Union([
  Type.Literal('done'),
  Type.Literal('denied'),
  Type.Literal('refused'),
  Type.Literal('failed'),
]);
export type Outcome = Static<typeof Outcome>;

/** A request that changed nothing, or of which only its failure is known. */
export const UnsuccessfulRequest = Type.Object({
  /** 1, 2, 3 … in the gateway that tells of it. */
  number: Type.Integer({ minimum: 1 }),
  time: Time,
  /** The token's name, or the one that was claimed where access is off; empty = nobody knows. */
  operator: Type.String(),
  /** Id of the endpoint, or method and path where there is none. */
  action: Type.String(),
  /** What it was about, `<kind>-<id>`; empty = nothing that exists. */
  target: Type.String(),
  client: Type.String(),
  correlation_id: Type.String(),
  outcome: Type.Union([Type.Literal('denied'), Type.Literal('refused'), Type.Literal('failed')]),
  /** HTTP status. */
  status: Type.Integer(),
  reason: Type.String(),
  /** How many that were the same it stands for; this is the last of them. Absent: it was one. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type UnsuccessfulRequest = Static<typeof UnsuccessfulRequest>;

/** A line of the audit. */
export const AuditEntry = Type.Object({
  id: Id,
  time: Time,
  operator: Type.String(),
  action: Type.String(),
  target: Type.String(),
  /** Name or address of the target, where what happened says it. */
  name: Type.String(),
  /** Address that the request came from; empty = it came from inside. */
  client: Type.String(),
  correlation_id: Type.String(),
  outcome: Outcome,
  /** HTTP status of what was not done, 0 for what was. */
  status: Type.Integer(),
  reason: Type.String(),
  /** How many requests that were the same it stands for. Absent where an access service of before answers: 1. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type AuditEntry = Static<typeof AuditEntry>;

export const access = {
  /**
   * Looks whether a token is valid now, by its id and the hash of its secret. An answer is about the moment of the request:
   * who keeps it must not keep it for long.
   */
  authenticate: defineRpc('access.token.authenticate', {
    request: Type.Object({ id: Type.Integer({ minimum: 0 }), hash: SecretHash }),
    response: Type.Union([
      Type.Object({ valid: Type.Literal(true), name: Type.String(), role: Role, expires: MaybeTime }),
      /** `name` is empty unless there is a token of this id. */
      Type.Object({ valid: Type.Literal(false), fault: CredentialFault, name: Type.String() }),
    ]),
  }),
  /** Newest first. */
  listTokens: defineRpc('access.token.list', {
    request: Type.Object(pageFields),
    response: pageOf(ApiToken),
  }),
  /**
   * The secret stays with the caller: only its hash comes here. `conflict`: a token that is not revoked has this name;
   * `invalid`: the name is one of the system's, or the token would be over already.
   */
  createToken: defineRpc('access.token.create', {
    request: Type.Object({ name: Type.String(), role: Role, hash: SecretHash, expires: MaybeTime }),
    response: Created,
    keyed: true,
  }),
  /** `not_found`; to revoke once more does nothing. */
  revokeToken: defineRpc('access.token.revoke', { request: Type.Object({ id: Id }), response: Done }),

  /**
   * Writes requests into the audit that led to no event. Repeated ones are written once. `dropped`: how many more there were
   * since the last call, of which nothing is known.
   */
  recordRequests: defineRpc('access.audit.record', {
    request: Type.Object({
      /** Names the gateway process: random, new with each start. */
      gateway: Type.String({ minLength: 1, maxLength: 64 }),
      requests: Type.Array(UnsuccessfulRequest, { maxItems: 1_000 }),
      dropped: Type.Integer({ minimum: 0 }),
    }),
    response: Done,
  }),
  /** Newest first. Every condition that is given must hold. */
  listAudit: defineRpc('access.audit.list', {
    request: Type.Object({
      ...pageFields,
      operator: Type.Optional(Type.String()),
      action: Type.Optional(Type.String()),
      target: Type.Optional(Type.String()),
      outcome: Type.Optional(Outcome),
      /** Not before. */
      from: Type.Optional(Time),
      /** Before. */
      to: Type.Optional(Time),
    }),
    response: pageOf(AuditEntry),
  }),
};
