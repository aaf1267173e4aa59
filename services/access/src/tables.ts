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
   * When a token was last used, to a minute. No event: nothing is decided on it, and a history of every minute of every
   * script would bury what somebody did. So it has a table of its own, which a rebuild leaves alone.
   */
  token_uses: {
    token_id: number;
    last_used: number;
  };
  /** What was done, from the events of all services, and what was not, from the gateways. Each source's once. */
  audit: {
    id: Generated<number>;
    /** A service whose event it is, or a gateway. */
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
    /** How many that were the same the line stands for. */
    times: Generated<number>;
  };
}
