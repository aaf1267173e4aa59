import t from 'tap';
import { Type } from 'typebox';
import { assertMatches } from './validation.js';

const Order = Type.Object({
  nodes: Type.Array(Type.String(), { minItems: 1 }),
  kind: Type.Optional(Type.Enum(['task', 'node'])),
  type: Type.Optional(Type.String({ pattern: '^(a|b)$', description: 'a or b.' })),
  size: Type.Optional(Type.Integer({ minimum: 1 })),
  templates: Type.Optional(
    Type.Object({ expand: Type.Optional(Type.Integer()) }, { additionalProperties: false }),
  ),
});

t.test('what is wrong is said in words, with the field and its value', async (t) => {
  const wrong: [change: object, message: string, field: string][] = [
    [{ nodes: undefined }, 'nodes is missing', 'nodes'],
    [{ nodes: [] }, 'nodes must not be empty (got [])', 'nodes'],
    [{ nodes: [1] }, 'nodes.0 must be string (got 1)', 'nodes.0'],
    [{ kind: 'x' }, 'kind must be one of task, node (got x)', 'kind'],
    [{ type: 'c"' }, "type must be a or b (got c')", 'type'],
    [{ size: 0 }, 'size must be >= 1 (got 0)', 'size'],
    [{ size: Number.POSITIVE_INFINITY }, 'size must be integer (got Infinity)', 'size'],
    [{ templates: { x: 1 } }, "templates must have no other keys than expand (got {'x':1})", 'templates'],
  ];
  for (const [change, message, field] of wrong) {
    t.throws(() => assertMatches(Order, { nodes: ['a'], ...change }), { code: 'invalid', message, field });
  }
  const order = { nodes: ['a'], kind: 'task', type: 'a', size: 1, templates: { expand: 1 } };
  t.equal(assertMatches(Order, order), order);
});

t.test('a long value is cut between two characters', async (t) => {
  const message = `size must be integer (got ${'😀'.repeat(77)}...)`;
  t.throws(() => assertMatches(Order, { nodes: ['a'], size: '😀'.repeat(81) }), { message });
});
