import { noSuch, SESSION_MS, type SessionEnd, type StartedWith } from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';

export interface SessionStarted {
  id: number;
  /** Id of the token that it belongs to. */
  token: number;
  /** Name of that token. */
  name: string;
  /** SHA-256 of the secret, in hexadecimal digits. Only the browser of the session has the secret. */
  hash: string;
  with: StartedWith;
  /** Milliseconds since 1970. */
  expires: number;
  at: number;
}

export interface SessionEnded {
  id: number;
  why: Exclude<SessionEnd, 'revoked'>;
  by: string;
  at: number;
}

export interface SessionRevoked {
  id: number;
  by: string;
  at: number;
}

export type SessionEvent =
  | NewEvent<'SessionStarted', SessionStarted>
  | NewEvent<'SessionEnded', SessionEnded>
  | NewEvent<'SessionRevoked', SessionRevoked>;

export const sessionEvents: EventVersions<SessionEvent> = {
  SessionStarted: [],
  SessionEnded: [],
  SessionRevoked: [],
};

export type SessionCommand =
  | ({ do: 'start' /** When its token expires; null = never. */; tokenExpires: number | null } & Omit<
      SessionStarted,
      'expires'
    >)
  | ({ do: 'end' } & SessionEnded)
  | ({ do: 'revoke' } & SessionRevoked);

/** Undefined before it is started. */
export type SessionState = (SessionStarted & { ended: number | null }) | undefined;

/** Rules of one session of the web console. Whether one is valid at a time is said by `faultOf` in `validity.ts`. */
export const sessionDecider: Decider<SessionState, SessionCommand, SessionEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'start') {
      if (state) throw new Error(`session ${command.id} exists already`);
      const { id, token, name, hash, with: startedWith, tokenExpires, at } = command;
      const expires = Math.min(at + SESSION_MS, tokenExpires ?? Number.POSITIVE_INFINITY);
      return [{ type: 'SessionStarted', data: { id, token, name, hash, with: startedWith, expires, at } }];
    }
    const { id, by, at } = command;
    if (!state) throw noSuch('session', id, `session ${id} does not exist`);
    if (state.ended !== null) return [];
    if (command.do === 'revoke') return [{ type: 'SessionRevoked', data: { id, by, at } }];
    return [{ type: 'SessionEnded', data: { id, why: command.why, by, at } }];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'SessionStarted':
        return { ...event.data, ended: null };
      case 'SessionEnded':
      case 'SessionRevoked':
        return state && { ...state, ended: event.data.at };
    }
  },
};
