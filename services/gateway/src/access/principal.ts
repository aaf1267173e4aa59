import { type CredentialFault, type Role, readTokenText } from '@rigel/contracts';

/** The credentials of a request: the id of its token, and the hash of the secret that it sends. */
export interface Credentials {
  id: number;
  hash: string;
}

/** The client of a request with a valid token. */
export interface Principal {
  credentials: Credentials;
  /** Name of the token: recorded as the operator. */
  name: string;
  role: Role;
}

/** Whether credentials are valid; `name` is empty unless a token with this id exists. */
export type TokenCheck =
  | { valid: true; principal: Principal }
  | { valid: false; fault: CredentialFault; name: string };

const BEARER = /^Bearer +(\S+) *$/i;

/** The credentials in the Authorization header; undefined if it has no token. */
export function credentialsIn(authorization: string | undefined): Credentials | undefined {
  const token = BEARER.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : readTokenText(token);
}
