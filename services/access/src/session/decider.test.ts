import { SESSION_MS } from '@rigel/contracts';
import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type SessionEvent, sessionDecider } from './decider.js';

const given = storyOf(sessionDecider);

const start = { id: 3, token: 7, name: 'ann', hash: 'h', with: 'token', at: 10 } as const;
const started: SessionEvent = { type: 'SessionStarted', data: { ...start, expires: 10 + SESSION_MS } };
const ended: SessionEvent = { type: 'SessionEnded', data: { id: 3, why: 'signed_out', by: 'ann', at: 20 } };
const revoked: SessionEvent = { type: 'SessionRevoked', data: { id: 3, by: 'bob', at: 30 } };

t.test('a session lasts twelve hours, and never longer than its token', async (t) => {
  given()
    .when({ do: 'start', ...start, tokenExpires: null })
    .gives(t, [started]);
  given()
    .when({ do: 'start', ...start, tokenExpires: 10 + 2 * SESSION_MS })
    .gives(t, [started]);
  given()
    .when({ do: 'start', ...start, tokenExpires: 5_000 })
    .gives(t, [{ type: 'SessionStarted', data: { ...start, expires: 5_000 } }]);
});

t.test('it ends once, by its holder, an administrator or its time', async (t) => {
  given(started).when({ do: 'end', id: 3, why: 'signed_out', by: 'ann', at: 20 }).gives(t, [ended]);
  given(started).when({ do: 'revoke', id: 3, by: 'bob', at: 30 }).gives(t, [revoked]);
  given(started, ended).when({ do: 'revoke', id: 3, by: 'bob', at: 30 }).gives(t, []);
  given(started, revoked).when({ do: 'end', id: 3, why: 'idle', by: 'system', at: 40 }).gives(t, []);
  for (const command of ['end', 'revoke'] as const)
    given()
      .when({ do: command, id: 3, why: 'idle', by: 'x', at: 1 })
      .refused(t, { code: 'not_found' }, command);
});
