import { ServiceError } from '@rigel/contracts';
import t from 'tap';
import { Type } from 'typebox';
import { readReply } from './envelope.js';
import { assertMatches } from './validation.js';

const refused = (error: object) => readReply({ error: { message: 'x', ...error } }, 'rigel.a').error;

t.test('a refusal keeps its reason on the way', async (t) => {
  t.match(refused({ code: 'conflict', reason: 'name_taken', value: 'web', data: { kind: 'pool' } }), {
    code: 'conflict',
    reason: 'name_taken',
    value: 'web',
    data: { kind: 'pool' },
  });
});

t.test('what another release, or a stranger, wrote counts only as far as it is known', async (t) => {
  for (const reason of ['of_a_later_release', 'toString', 7, null, undefined])
    t.strictSame(refused({ code: 'conflict', reason }), { code: 'conflict', message: 'x' }, String(reason));
  t.strictSame(
    refused({ code: 'in_use', reason: 'name_taken' }),
    { code: 'in_use', message: 'x' },
    'a reason of another kind',
  );
  const data = { ok: 1, list: [1], thing: {}, long: 'a'.repeat(1_001), not: Number.NaN };
  t.strictSame(refused({ code: 'invalid', reason: 'range', value: {}, data })?.data, { ok: 1 });
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, index]));
  t.equal(Object.keys(refused({ code: 'invalid', reason: 'range', data: many })?.data ?? {}).length, 20);
});

t.test('the reason of a value that does not match its schema', async (t) => {
  const Shape = Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 3 }),
      count: Type.Integer({ minimum: 1, maximum: 9 }),
      list: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 2 })),
      kind: Type.Optional(Type.Enum(['a', 'b'])),
      params: Type.Optional(Type.Object({ word: Type.String({ maxLength: 3 }) })),
    },
    { additionalProperties: false },
  );
  const right = { name: 'a', count: 1 };
  const wrong: [change: object, reason: string, field: string, facts: object][] = [
    [{ name: undefined }, 'missing', 'name', { data: {} }],
    [{ name: '' }, 'blank', 'name', { value: '', data: { limit: 1 } }],
    [{ name: 'long' }, 'too_long', 'name', { value: 'long', data: { limit: 3 } }],
    [{ count: 0 }, 'too_small', 'count', { value: 0, data: { limit: 1 } }],
    [{ count: 10 }, 'too_large', 'count', { value: 10, data: { limit: 9 } }],
    [{ count: true }, 'wrong_type', 'count', { value: true, data: { type: 'integer' } }],
    [{ list: [] }, 'blank', 'list', { data: { limit: 1 } }],
    [{ kind: 'c' }, 'not_a_choice', 'kind', { value: 'c', data: { choices: 'a, b' } }],
    [{ params: { word: 'a secret' } }, 'too_long', 'params.word', { data: { limit: 3 } }],
  ];
  for (const [change, reason, field, facts] of wrong) {
    try {
      assertMatches(Shape, JSON.parse(JSON.stringify({ ...right, ...change })));
      t.fail(reason);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      t.strictSame([error.reason, error.field, error.facts], [reason, field, facts]);
    }
  }
});

t.test('a refusal repeats no secret, and no long text', async (t) => {
  for (const field of [
    'params',
    'params.word',
    'steps.0.param_values.a',
    'token',
    'code',
    'template',
    'text',
  ])
    t.strictSame(new ServiceError('invalid', 'x', field, { value: 'a secret' }).facts, {}, field);
  t.strictSame(new ServiceError('invalid', 'x', 'name', { value: 'a'.repeat(201) }).facts, {});
  for (const field of ['template_id', 'name', 'cron_items.0.time'])
    t.strictSame(new ServiceError('invalid', 'x', field, { value: 7 }).facts, { value: 7 }, field);
});
