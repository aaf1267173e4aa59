import type { Outcome, Role, SessionEnd, StartedWith } from '@rigel/contracts';
import type { Generated } from 'kysely';

export interface AccessTables {
  /** Follows from the events. */
  tokens: {
    id: number;
    name: string;
    role: Role;
    /** It may run one-off commands although its role could not. */
    may_run: Generated<boolean>;
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
  /** Sessions of the web console; follows from the events. */
  sessions: {
    id: number;
    token_id: number;
    /** SHA-256 of the secret, in hexadecimal digits. */
    hash: string;
    started_with: StartedWith;
    client: string;
    started: number;
    expires: number;
    ended: number | null;
    end_why: SessionEnd | null;
    ended_by: string;
  };
  /** When a session was last used, to a minute; no events, as `token_uses`. */
  session_uses: {
    session_id: number;
    last_used: number;
  };
  /** Hashes of one-time codes that were not used yet. */
  session_codes: {
    hash: string;
    token_id: number;
    expires: number;
  };
  /** One row: what tells this installation from others. */
  installation: {
    id: string;
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
