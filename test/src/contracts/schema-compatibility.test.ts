import t from 'tap';
import { receiverProblems, type Schema, senderProblems } from './schema-compatibility.js';

const text: Schema = { type: 'string' };
const integer: Schema = { type: 'integer' };
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  required,
});
const oneOf = (...values: unknown[]): Schema => ({ anyOf: values.map((value) => ({ const: value })) });
const state = (values: unknown[], more: Record<string, Schema> = {}) =>
  object({ state: oneOf(...values), ...more }, ['state']);

interface Change {
  what: string;
  before: Schema;
  now: Schema;
  /** What today's receivers do to earlier senders; absent: nothing bad. */
  receiver?: string[];
  /** What today's senders do to earlier receivers; absent: nothing bad. */
  sender?: string[];
}

const CHANGES: Change[] = [
  { what: 'nothing', before: state(['on', 'off']), now: state(['on', 'off']) },
  {
    what: 'another order',
    before: object({ a: text, b: integer }, ['a', 'b']),
    now: object({ b: integer, a: text }, ['b', 'a']),
  },
  { what: 'an optional field', before: object({ a: text }, ['a']), now: object({ a: text, b: text }, ['a']) },
  {
    what: 'words about a field',
    before: object({ a: text }),
    now: object({ a: { ...text, description: 'An a.' } }),
  },
  {
    what: 'a required field',
    before: object({ a: text }, ['a']),
    now: object({ a: text, b: text }, ['a', 'b']),
    receiver: ['b: is new and required'],
  },
  {
    what: 'a field removed',
    before: object({ a: text, b: text }, ['a', 'b']),
    now: object({ a: text }, ['a']),
    receiver: ['b: was removed'],
    sender: ['b: was removed'],
  },
  {
    what: 'an optional field removed',
    before: object({ a: text, b: text }, ['a']),
    now: object({ a: text }, ['a']),
    receiver: ['b: was removed'],
    sender: ['b: was removed'],
  },
  {
    what: 'a field renamed',
    before: object({ a: text }, ['a']),
    now: object({ name: text }, ['name']),
    receiver: ['name: is new and required', 'a: was removed'],
    sender: ['a: was removed'],
  },
  {
    what: 'an optional field that is required now',
    before: object({ a: text }),
    now: object({ a: text }, ['a']),
    receiver: ['a: was optional and is required'],
  },
  {
    what: 'a required field that is optional now',
    before: object({ a: text }, ['a']),
    now: object({ a: text }),
    sender: ['a: was always there and is optional'],
  },
  {
    what: 'a value more',
    before: state(['on']),
    now: state(['on', 'off']),
    sender: ['state: the value "off" is new, and earlier receivers do not know it'],
  },
  {
    what: 'a value less',
    before: state(['on', 'off']),
    now: state(['on']),
    receiver: ['state: the value "off" was removed'],
    sender: ['state: the value "off" was removed'],
  },
  {
    what: 'enum for anyOf of const',
    before: state([1, 2]),
    now: object({ state: { enum: [1, 2] } }, ['state']),
  },
  {
    what: 'any text for listed values',
    before: object({ a: oneOf('x', 'y') }),
    now: object({ a: text }),
    sender: ['a: string instead of "x"'],
  },
  {
    what: 'listed values for any text',
    before: object({ a: text }),
    now: object({ a: oneOf('x') }),
    receiver: ['a: string instead of "x"'],
  },
  {
    what: 'another type',
    before: object({ a: text }),
    now: object({ a: integer }),
    receiver: ['a: string became integer'],
    sender: ['a: string became integer'],
  },
  {
    what: 'number for integer',
    before: object({ a: integer }),
    now: object({ a: { type: 'number' } }),
    sender: ['a: integer became number'],
  },
  {
    what: 'null is possible now',
    before: object({ a: text }),
    now: object({ a: { anyOf: [text, { type: 'null' }] } }),
    sender: ['a: string became null'],
  },
  {
    what: 'a lower limit',
    before: object({ a: { ...text, maxLength: 10 } }),
    now: object({ a: { ...text, maxLength: 5 } }),
    receiver: ['a: maxLength was 10 and is 5'],
  },
  {
    what: 'a limit where there was none',
    before: object({ a: integer }),
    now: object({ a: { ...integer, minimum: 1 } }),
    receiver: ['a: minimum was absent and is 1'],
  },
  {
    what: 'a higher limit',
    before: object({ a: { ...integer, minimum: 1, maximum: 3 } }),
    now: object({ a: { ...integer, minimum: 0, maximum: 9 } }),
    sender: ['a: minimum was 1 and is 0', 'a: maximum was 3 and is 9'],
  },
  {
    what: 'another pattern',
    before: object({ a: { ...text, pattern: '^a$' } }),
    now: object({ a: { ...text, pattern: '^b$' } }),
    receiver: ['a: the pattern was ^a$ and is ^b$'],
    sender: ['a: the pattern was ^a$ and is ^b$'],
  },
  {
    what: 'deep in lists',
    before: { type: 'array', items: object({ a: { type: 'array', items: text } }) },
    now: { type: 'array', items: object({ a: { type: 'array', items: integer } }) },
    receiver: ['[].a[]: string became integer'],
    sender: ['[].a[]: string became integer'],
  },
  {
    what: 'a longer tuple',
    before: { type: 'array', items: [text, integer] },
    now: { type: 'array', items: [text, integer, integer] },
    receiver: [': the tuple has another length'],
    sender: [': the tuple has another length'],
  },
  {
    what: 'members of a record',
    before: { type: 'object', patternProperties: { '^.*$': text } },
    now: { type: 'object', additionalProperties: integer },
    receiver: ['*: string became integer'],
    sender: ['*: string became integer'],
  },
  {
    what: 'any value for a type',
    before: object({ a: text }),
    now: object({ a: {} }),
    sender: ['a: string became anything'],
  },
  {
    what: 'a kind of message more',
    before: { anyOf: [object({ do: oneOf('run'), step: integer }, ['do', 'step'])] },
    now: {
      anyOf: [
        object({ do: oneOf('run'), step: integer }, ['do', 'step']),
        object({ do: oneOf('wait') }, ['do']),
      ],
    },
    sender: [
      'step: was removed',
      'do: the value "wait" is new, and earlier receivers do not know it',
      'do: the value "run" was removed',
    ],
  },
  {
    what: 'one kind of message changed',
    before: { anyOf: [state(['a'], { x: text }), state(['b'])] },
    now: { anyOf: [state(['a'], { x: integer }), state(['b'])] },
    receiver: ['x: string became integer'],
    sender: ['x: string became integer'],
  },
  {
    what: 'an intersection',
    before: { allOf: [object({ a: text }, ['a']), object({ b: text }, ['b'])] },
    now: { allOf: [object({ a: text }, ['a']), object({ b: text, c: text }, ['b', 'c'])] },
    receiver: ['c: is new and required'],
  },
  {
    what: 'unknown fields are refused now',
    before: object({ a: text }),
    now: { ...object({ a: text }), additionalProperties: false },
    receiver: [': unknown fields are refused now'],
  },
  {
    what: 'a new field, where earlier receivers refuse unknown ones',
    before: { ...object({ a: text }), additionalProperties: false },
    now: { ...object({ a: text, b: text }), additionalProperties: false },
    sender: ['b: is new, and earlier receivers refuse unknown fields'],
  },
];

for (const { what, before, now, receiver = [], sender = [] } of CHANGES) {
  t.test(what, async (t) => {
    t.strictSame(receiverProblems({ before, now }), receiver, "today's receivers, earlier senders");
    t.strictSame(senderProblems({ before, now }), sender, "earlier receivers, today's senders");
  });
}

t.test('types by reference, also ones that contain themselves', async (t) => {
  const types = (member: Schema): Record<string, Schema> => ({
    Tree: object({ member, children: { type: 'array', items: { $ref: 'Tree' } } }, ['member']),
  });
  const pair = (before: Schema, now: Schema) => ({
    before: { $ref: 'Tree' },
    now: { $ref: 'Tree' },
    resolveBefore: (name: string) => types(before)[name] ?? {},
    resolveNow: (name: string) => types(now)[name] ?? {},
  });
  t.strictSame(receiverProblems(pair(text, text)), []);
  t.strictSame(receiverProblems(pair(text, integer)), ['member: string became integer']);
});
