import { storyOf } from '@rigel/testing';
import fc from 'fast-check';
import t from 'tap';
import { type ActionEvent, actionDecider } from './decider.js';

const given = storyOf(actionDecider);

const start = {
  id: 2,
  name: 'start',
  desc: 'starts it',
  params: { tag: 'string', port: 'integer' } as const,
};
const created: ActionEvent = { type: 'ActionCreated', data: start };

t.test('an action is created, changed and deleted', async (t) => {
  given()
    .when({ do: 'create', ...start, name: ' start ' })
    .gives(t, [created]);
  const changed: ActionEvent = { type: 'ActionChanged', data: { id: 2, params: {} } };
  given(created).when({ do: 'change', id: 2, name: 'start', params: {} }).gives(t, [changed]);
  given(created, changed).when({ do: 'change', id: 2, params: {} }).gives(t, []);
  given(created)
    .when({ do: 'delete', id: 2 })
    .gives(t, [{ type: 'ActionDeleted', data: { id: 2 } }]);
});

t.test('parameters in another order are the same parameters', async (t) => {
  given(created)
    .when({ do: 'change', id: 2, params: { port: 'integer', tag: 'string' } })
    .gives(t, []);
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
    given()
      .when({ do: 'create', ...start, params })
      .refused(t, refused);
    given(created).when({ do: 'change', id: 2, params }).refused(t, refused);
  }
});

t.test('property: parameter names with types are kept as they are, whatever they are called', async () => {
  const name = fc
    .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
    .filter((text) => text.trim() === text);
  const params = fc.array(fc.tuple(name, fc.constantFrom('string', 'integer')));
  fc.assert(
    fc.property(params, (entries) => {
      const written = Object.fromEntries([...entries, ['__proto__', 'string']]);
      const [event] = given()
        .when({ do: 'create', ...start, params: written })
        .events();
      return event?.type === 'ActionCreated' && JSON.stringify(event.data.params) === JSON.stringify(written);
    }),
    { numRuns: 200 },
  );
});

t.test('a deleted action is gone', async (t) => {
  const history: ActionEvent[] = [created, { type: 'ActionDeleted', data: { id: 2 } }];
  given(...history)
    .when({ do: 'change', id: 2, desc: '' })
    .refused(t, { code: 'not_found' });
  given(...history)
    .when({ do: 'delete', id: 2 })
    .refused(t, { code: 'not_found' });
});
