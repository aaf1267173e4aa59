import {
  type CredentialFault,
  type Role,
  readSessionText,
  readTokenText,
  type SessionFault,
} from '@rigel/contracts';

/** The credentials of a request: the id of its token or session, and the hash of the secret that it sends. */
export interface Credentials {
  kind: 'token' | 'session';
  id: number;
  hash: string;
}

/** The client of a request with valid credentials. */
export interface Principal {
  credentials: Credentials;
  /** Id of the token: that of the credentials, or of the one that the session was started with. */
  tokenId: number;
  /** Name of the token: recorded as the operator. */
  name: string;
  role: Role;
  /** The token may run one-off commands although its role could not. */
  mayRun: boolean;
  /** When the credentials expire, in milliseconds since 1970; null = never. */
  expires: number | null;
}

/** Whether credentials are valid; `name` is empty unless a token or session with this id exists. */
export type CredentialCheck =
  | { valid: true; principal: Principal }
  | { valid: false; fault: CredentialFault | SessionFault; name: string };

const BEARER = /^Bearer +(\S+) *$/i;

/** The credentials in the Authorization header; undefined if it has no token. */
export function credentialsIn(authorization: string | undefined): Credentials | undefined {
  const text = BEARER.exec(authorization ?? '')?.[1];
  const token = text === undefined ? undefined : readTokenText(text);
  return token && { kind: 'token', ...token };
}

/** The credentials in a session's cookie; undefined if its value is no session's. */
export function sessionIn(value: string): Credentials | undefined {
  const session = readSessionText(value);
  return session && { kind: 'session', ...session };
}
