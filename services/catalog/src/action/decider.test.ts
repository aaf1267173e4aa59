import fc from 'fast-check';
import t from 'tap';
import { type ActionCommand, type ActionEvent, actionDecider } from './decider.js';

const decide = (events: ActionEvent[], command: ActionCommand) =>
  actionDecider.decide(command, events.reduce(actionDecider.evolve, actionDecider.initial));

const start = {
  id: 2,
  name: 'start',
  desc: 'starts it',
  params: { tag: 'string', port: 'integer' } as const,
};
const created: ActionEvent = { type: 'ActionCreated', data: start };

t.test('an action is created, changed and deleted', async (t) => {
  t.strictSame(decide([], { do: 'create', ...start, name: ' start ' }), [created]);
  const changed: ActionEvent = { type: 'ActionChanged', data: { id: 2, params: {} } };
  t.strictSame(decide([created], { do: 'change', id: 2, name: 'start', params: {} }), [changed]);
  t.strictSame(decide([created, changed], { do: 'change', id: 2, params: {} }), []);
  t.strictSame(decide([created], { do: 'delete', id: 2 }), [{ type: 'ActionDeleted', data: { id: 2 } }]);
});

t.test('parameters in another order are the same parameters', async (t) => {
  t.strictSame(decide([created], { do: 'change', id: 2, params: { port: 'integer', tag: 'string' } }), []);
});

t.test('wrong parameters are refused, naming them', async (t) => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ port: 'int' }, 'params: the type of port must be string or integer (got int)'],
    [{ port: null }, 'params: the type of port must be string or integer (got null)'],
    [{ '': 'string' }, 'params: a name must be printable ASCII without blanks around it (got )'],
    [{ ' a': 'string' }, 'params: a name must be printable ASCII without blanks around it (got  a)'],
    [{ größe: 'string' }, 'params: a name must be printable ASCII without blanks around it (got größe)'],
  ];
  for (const [params, message] of wrong) {
    const refused = { code: 'invalid', field: 'params', message };
    t.throws(() => decide([], { do: 'create', ...start, params }), refused);
    t.throws(() => decide([created], { do: 'change', id: 2, params }), refused);
  }
});

t.test('property: parameter names with types are kept as they are, whatever they are called', async () => {
  const name = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
    .filter((text) => text.trim() === text);
  const params = fc.array(fc.tuple(name, fc.constantFrom('string', 'integer')));
  fc.assert(
    fc.property(params, (entries) => {
      const given = Object.fromEntries([...entries, ['__proto__', 'string']]);
      const [event] = decide([], { do: 'create', ...start, params: given });
      return event?.type === 'ActionCreated' && JSON.stringify(event.data.params) === JSON.stringify(given);
    }),
    { numRuns: 200 },
  );
});

t.test('a deleted action is gone', async (t) => {
  const history: ActionEvent[] = [created, { type: 'ActionDeleted', data: { id: 2 } }];
  t.throws(() => decide(history, { do: 'change', id: 2, desc: '' }), { code: 'not_found' });
  t.throws(() => decide(history, { do: 'delete', id: 2 }), { code: 'not_found' });
});
