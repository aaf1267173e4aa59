import { type CredentialFault, type Role, readTokenText } from '@rigel/contracts';

/** What a request brings to be let in: which token it names, and the hash of the secret that it knows. */
export interface Credentials {
  id: number;
  hash: string;
}

/** Who asks, by a token that is valid. */
export interface Principal {
  credentials: Credentials;
  /** Name of the token: recorded as the operator. */
  name: string;
  role: Role;
}

/** Whether credentials are accepted; `name` is empty unless there is a token of this id. */
export type Verdict =
  | { valid: true; principal: Principal }
  | { valid: false; fault: CredentialFault; name: string };

const BEARER = /^Bearer +(\S+) *$/i;

/** What the Authorization header brings; undefined when that is no token. */
export function credentialsIn(authorization: string | undefined): Credentials | undefined {
  const token = BEARER.exec(authorization ?? '')?.[1];
  return token === undefined ? undefined : readTokenText(token);
}
