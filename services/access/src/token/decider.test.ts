import { storyOf } from '@rigel/testing';
import t from 'tap';
import { type TokenEvent, tokenDecider } from './decider.js';

const given = storyOf(tokenDecider);

const token = { id: 3, name: 'ci', role: 'operator', hash: 'h', expires: null, by: 'ann', at: 10 } as const;
const created: TokenEvent = { type: 'TokenCreated', data: token };
const revoked: TokenEvent = { type: 'TokenRevoked', data: { id: 3, by: 'bob', at: 20 } };

t.test('a token is created, and revoked once', async (t) => {
  given()
    .when({ do: 'create', ...token, name: ' ci ' })
    .gives(t, [created]);
  given()
    .when({ do: 'create', ...token, mayRun: true })
    .gives(t, [{ type: 'TokenCreated', data: { ...token, mayRun: true } }]);
  given(created).when({ do: 'revoke', id: 3, by: 'bob', at: 20 }).gives(t, [revoked]);
  given(created, revoked).when({ do: 'revoke', id: 3, by: 'eve', at: 30 }).gives(t, []);
  given().when({ do: 'revoke', id: 3, by: 'bob', at: 20 }).refused(t, { code: 'not_found' });
});

t.test('what no token can be', async (t) => {
  const refused = (change: object, field: string) =>
    given()
      .when({ do: 'create', ...token, ...change })
      .refused(t, { code: 'invalid', field });
  for (const name of ['', ' ', 'x'.repeat(51), 'a\0', 'system', 'GATEWAY', 'ann\u202e'])
    refused({ name }, 'name');
  for (const expires of [9, 10]) refused({ expires }, 'expires');
  refused({ role: 'root' }, 'role');
  given()
    .when({ do: 'create', ...token, expires: 11 })
    .gives(t, [{ type: 'TokenCreated', data: { ...token, expires: 11 } }]);
});
