import { noSuch, ROLES, type Role, ServiceError, show } from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { checkTokenName } from './name.js';

export interface TokenCreated {
  id: number;
  name: string;
  role: Role;
  /** It may run one-off commands although its role could not; absent: it may not. */
  mayRun?: true;
  /** SHA-256 of the secret, in hexadecimal digits. Only the owner of the token has the secret. */
  hash: string;
  /** Milliseconds since 1970; null = never. */
  expires: number | null;
  by: string;
  at: number;
}

export interface TokenRevoked {
  id: number;
  by: string;
  at: number;
}

export type TokenEvent = NewEvent<'TokenCreated', TokenCreated> | NewEvent<'TokenRevoked', TokenRevoked>;

export const tokenEvents: EventVersions<TokenEvent> = { TokenCreated: [], TokenRevoked: [] };

export type TokenCommand = ({ do: 'create' } & TokenCreated) | ({ do: 'revoke' } & TokenRevoked);

/** Undefined before it is created. */
export type TokenState = (TokenCreated & { revoked: number | null }) | undefined;

function checkRole(role: string): Role {
  const known = ROLES.find((one) => one === role);
  if (known) return known;
  throw new ServiceError(
    'not_a_choice',
    `role must be one of ${ROLES.join(', ')} (got ${show(role)})`,
    'role',
    {
      value: role,
      data: { choices: ROLES.join(', ') },
    },
  );
}

function checkExpires(expires: number | null, now: number): number | null {
  if (expires === null || expires > now) return expires;
  throw new ServiceError(
    'not_in_future',
    `expires must lie in the future (got ${show(expires)})`,
    'expires',
    {
      value: expires,
    },
  );
}

/**
 * Rules of one API token. `createToken` ensures that no two tokens in force have the same name or names that look
 * alike.
 */
export const tokenDecider: Decider<TokenState, TokenCommand, TokenEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`token ${command.id} exists already`);
      const { id, hash, by, at, mayRun } = command;
      const name = checkTokenName(command.name);
      const role = checkRole(command.role);
      const expires = checkExpires(command.expires, at);
      return [
        {
          type: 'TokenCreated',
          data: { id, name, role, ...(mayRun ? { mayRun } : {}), hash, expires, by, at },
        },
      ];
    }
    const { id, by, at } = command;
    if (!state) throw noSuch('token', id, `token ${id} does not exist`);
    return state.revoked === null ? [{ type: 'TokenRevoked', data: { id, by, at } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'TokenCreated':
        return { ...event.data, revoked: null };
      case 'TokenRevoked':
        return state && { ...state, revoked: event.data.at };
    }
  },
};
