import t from 'tap';
import { type TokenCommand, type TokenEvent, tokenDecider } from './decider.js';

const decide = (events: TokenEvent[], command: TokenCommand) =>
  tokenDecider.decide(command, events.reduce(tokenDecider.evolve, tokenDecider.initial));

const token = { id: 3, name: 'ci', role: 'operator', hash: 'h', expires: null, by: 'ann', at: 10 } as const;
const created: TokenEvent = { type: 'TokenCreated', data: token };
const revoked: TokenEvent = { type: 'TokenRevoked', data: { id: 3, by: 'bob', at: 20 } };

t.test('a token is created, and revoked once', async (t) => {
  t.strictSame(decide([], { do: 'create', ...token, name: ' ci ' }), [created]);
  t.strictSame(decide([created], { do: 'revoke', id: 3, by: 'bob', at: 20 }), [revoked]);
  t.strictSame(decide([created, revoked], { do: 'revoke', id: 3, by: 'eve', at: 30 }), []);
  t.throws(() => decide([], { do: 'revoke', id: 3, by: 'bob', at: 20 }), { code: 'not_found' });
});

t.test('what no token can be', async (t) => {
  const refused = (change: object, field: string) =>
    t.throws(() => decide([], { do: 'create', ...token, ...change }), { code: 'invalid', field });
  for (const name of ['', ' ', 'x'.repeat(51), 'a\0', 'system', 'GATEWAY', 'ann\u202e'])
    refused({ name }, 'name');
  for (const expires of [9, 10]) refused({ expires }, 'expires');
  refused({ role: 'root' }, 'role');
  t.strictSame(decide([], { do: 'create', ...token, expires: 11 }), [
    { type: 'TokenCreated', data: { ...token, expires: 11 } },
  ]);
});
