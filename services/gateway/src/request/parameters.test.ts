import fc from 'fast-check';
import t from 'tap';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type EndpointDefinition } from '../endpoint.js';
import { failure, UnknownParameter, UnreadableRequest, WrongParameter } from '../failures.js';
import { prepareParameters } from './parameters.js';
import { NOTHING, type Source } from './source.js';

const params = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  name: Type.Optional(Type.String()),
  count: Type.Integer({ default: 5 }),
  actions: Type.Optional(Type.Array(Type.String())),
});

function reader(
  facts: Partial<Omit<EndpointDefinition<typeof params>, 'access' | 'role'>> = {},
  access: 'read' | 'write' = 'write',
) {
  const read = prepareParameters(
    defineEndpoint({
      id: 'thing.update',
      title: 'Change a thing',
      methods: ['POST'],
      paths: ['/thing/:id'],
      access,
      role: 'operator',
      params,
      failures: { otherwise: failure(400, 'no', null) },
      result: Type.Null(),
      example: null,
      handler: async () => done(null),
      ...facts,
    }),
  );
  return (path: object, body: object | Source = {}, query: object | Source = {}) =>
    read({ path: asSource(path), body: asSource(body), query: asSource(query) });
}

const asSource = (given: object): Source =>
  'unreadable' in given ? (given as Source) : { values: given as Record<string, unknown> };

t.test('path goes before body, body before query', async (t) => {
  const read = reader();
  t.strictSame(read({ id: '1' }, { id: 2, name: 'body' }, { id: '3', name: 'query', count: '7' }).input, {
    id: 1,
    name: 'body',
    count: 7,
  });
});

t.test('null is as if absent, defaults are filled in', async (t) => {
  const read = reader();
  t.strictSame(read({ id: '1' }, { name: null, count: null }).input, { id: 1, count: 5 });
  t.strictSame(read({ id: '1' }, { name: null }, { name: 'query' }).input.name, 'query');
});

t.test('a missing or wrong parameter is named', async (t) => {
  const read = reader();
  t.throws(() => read({}), { name: 'WrongParameter', message: 'id is missing', parameter: 'id' });
  t.throws(() => read({ id: 'x' }), { message: 'id must be integer (got x)', parameter: 'id' });
  t.throws(() => read({ id: 1 }, { actions: '["a"]' }), {
    message: /^actions must be array/,
    parameter: 'actions',
  });
  t.throws(() => read({ id: 1 }, { actions: ['a', {}] }), {
    message: /^actions.1 must be/,
    parameter: 'actions',
  });
  t.throws(() => read({ id: 1 }, { name: 'a\0' }), WrongParameter);
});

t.test('other spellings of a name', async (t) => {
  const read = reader({ spellings: { actions: ['action'] } });
  t.strictSame(read({ id: 1 }, { action: ['a'] }).input.actions, ['a']);
  t.strictSame(read({ id: 1 }, { action: ['a'], actions: ['b'] }).input.actions, ['b']);
});

t.test('an update must change something', async (t) => {
  const read = reader({ changes: ['name', 'actions'] });
  t.throws(() => read({ id: 1 }), WrongParameter);
  t.throws(() => read({ id: 1 }, { name: null, count: 1 }), WrongParameter);
  t.doesNotThrow(() => read({ id: 1 }, { name: '' }));
});

t.test('an unreadable place is refused on writes and ignored on reads', async (t) => {
  const broken = { unreadable: 'broken' };
  t.throws(() => reader()({ id: 1 }, broken), UnreadableRequest);
  t.throws(() => reader()({ id: 1 }, NOTHING, broken), UnreadableRequest);
  t.strictSame(reader({}, 'read')({ id: 1 }, broken, { name: 'q' }).input, {
    id: 1,
    name: 'q',
    count: 5,
  });
});

t.test('page parameters are never wrong', async (t) => {
  const read = reader({ paged: true });
  t.strictSame(read({ id: 1 }, { page: 'x', page_size: '20' }).page, { page: 1, page_size: 20 });
  t.strictSame(reader({}, 'read')({ id: 1 }, { page: 3 }).page, { page: 1, page_size: 10 });
});

t.test('whatever comes, it is read or refused', async () => {
  const read = reader({ spellings: { actions: ['action'] }, paged: true });
  const junk = fc.dictionary(
    fc.constantFrom('id', 'name', 'count', 'actions', 'action', 'page', '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(junk, junk, (body, query) => {
      try {
        const { input } = read({}, body, query);
        return Number.isSafeInteger(input.id) && Number.isSafeInteger(input.count);
      } catch (error) {
        return error instanceof WrongParameter || error instanceof UnknownParameter;
      }
    }),
  );
});
