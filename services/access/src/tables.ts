import type { Outcome, Role } from '@rigel/contracts';
import type { Generated } from 'kysely';

export interface AccessTables {
  /** Follows from the events. */
  tokens: {
    id: number;
    name: string;
    role: Role;
    /** SHA-256 of the secret, in hexadecimal digits. */
    hash: string;
    created: number;
    created_by: string;
    expires: number | null;
    revoked: number | null;
    revoked_by: string;
  };
  /**
   * When a token was last used, to a minute. This is no event: nothing is decided by it, and every minute of every
   * script would bury the actions of people. So it has a table of its own, which a rebuild keeps.
   */
  token_uses: {
    token_id: number;
    last_used: number;
  };
  /** Successful actions, from the events of all services, and unsuccessful requests, from the gateways; each once. */
  audit: {
    id: Generated<number>;
    /** The service of the event, or the gateway. */
    source: string;
    /** Position of the event, or number of the request. */
    position: number;
    time: number;
    operator: string;
    action: string;
    target: string;
    name: string;
    client: string;
    correlation_id: string;
    outcome: Outcome;
    status: number;
    reason: string;
    /** Number of equal requests that the line stands for. */
    times: Generated<number>;
  };
}
