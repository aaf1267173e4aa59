import fc from 'fast-check';
import t from 'tap';
import { ServiceError } from './errors.js';
import { type LabelCondition, matches, parseSelector, selectorText } from './label-selector.js';
import { checkLabels, type Labels, MOST_LABELS } from './labels.js';
import { assertOneWay, checkSelection, selectionText } from './selection.js';

const parse = (text: string) => parseSelector('labels', text);

function refusalOf(run: () => unknown): ServiceError {
  try {
    run();
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

t.test('each form of a condition', async (t) => {
  t.strictSame(parse(' role=web , zone in (a, b),zone notin (c),!canary,canary,a!=b,x==,example.com/y '), [
    { is: 'in', key: 'role', values: ['web'] },
    { is: 'in', key: 'zone', values: ['a', 'b'] },
    { is: 'notIn', key: 'zone', values: ['c'] },
    { is: 'absent', key: 'canary' },
    { is: 'present', key: 'canary' },
    { is: 'notIn', key: 'a', values: ['b'] },
    { is: 'in', key: 'x', values: [''] },
    { is: 'present', key: 'example.com/y' },
  ]);
  t.strictSame(parse('  '), [], 'nothing is asked for');
  t.strictSame(parse('in in (in),notin'), [
    { is: 'in', key: 'in', values: ['in'] },
    { is: 'present', key: 'notin' },
  ]);
  t.strictSame(parse('a in (,b)'), [{ is: 'in', key: 'a', values: ['', 'b'] }]);
});

t.test('what is no selector is refused with the place', async (t) => {
  const wrong: Record<string, number> = {
    ',': 1,
    'a,': 3,
    'a,,b': 3,
    'a=b c': 5,
    'a b': 3,
    'a=b=c': 4,
    'a in b': 6,
    'a in (': 7,
    'a in (b': 8,
    'a in ()': 7,
    'a in (b c)': 9,
    'a in (b))': 9,
    '!a=b': 3,
    '!!a': 2,
    '=b': 1,
    'a>1': 1,
    'a=ä': 3,
    'a=-b': 3,
    'a/b/c': 1,
    'A.com/x': 1,
    '/a': 1,
    "a='b'": 3,
    [`${'k'.repeat(64)}=v`]: 1,
    [`k=${'v'.repeat(64)}`]: 3,
  };
  for (const [text, position] of Object.entries(wrong)) {
    const { reason, field, facts, message } = refusalOf(() => parse(text));
    t.match(
      { reason, field, facts },
      { reason: 'selector', field: 'labels', facts: { data: { position } } },
      text,
    );
    t.match(message, new RegExp(`at character ${position}: `));
  }
  t.equal(refusalOf(() => parse(`a${' '.repeat(5_000)}`)).reason, 'too_long');
  t.match(refusalOf(() => parse(`${'a,'.repeat(64)}a`)).message, /more than 64 conditions/);
});

t.test('any text is read or refused with a place in it', async () => {
  const piece = fc.constantFrom(
    'a',
    'zone',
    ' in ',
    ' notin ',
    '=',
    '==',
    '!=',
    '!',
    '(',
    ')',
    ',',
    ' ',
    '-',
    'ä',
    '"',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        const { position } = error.facts.data as { position: number };
        if (position < 1 || position > text.length + 1) throw new Error(`no place in ${text}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

const key = fc.constantFrom('zone', 'role', 'canary', 'example.com/rack', 'in', 'constructor');
const value = fc.constantFrom('a', 'b', 'c', '', 'notin', 'v1.2_3');
const condition: fc.Arbitrary<LabelCondition> = fc.oneof(
  fc.record({ is: fc.constant('present' as const), key }),
  fc.record({ is: fc.constant('absent' as const), key }),
  fc.record({
    is: fc.constantFrom('in' as const, 'notIn' as const),
    key,
    values: fc.uniqueArray(value, { minLength: 1, maxLength: 4 }),
  }),
);
const labels: fc.Arbitrary<Labels> = fc
  .uniqueArray(fc.tuple(key, value), { selector: ([name]) => name })
  .map((pairs) => Object.fromEntries(pairs));

t.test('a selector as text is the same when it is read again', async () => {
  fc.assert(
    fc.property(
      fc.array(condition, { maxLength: 6 }),
      (selector) => JSON.stringify(parse(selectorText(selector))) === JSON.stringify(selector),
    ),
    { numRuns: 2_000 },
  );
});

t.test('it matches what a naive reading of the text matches', async () => {
  /** By the letters of each condition, without the parser: from pairs to text, and back by looking. */
  const naive = (text: string, given: Labels): boolean => {
    const has = (name: string) => Object.keys(given).includes(name);
    return text.split(';').every((one) => {
      if (one === '') return true;
      const list = /^(\S+) (in|notin) \((.*)\)$/.exec(one);
      if (list) {
        const [, name = '', operator, values = ''] = list;
        const isOne = has(name) && values.split(',').some((v) => v === given[name]);
        return operator === 'in' ? isOne : !isOne;
      }
      const unequal = one.indexOf('!=');
      if (unequal > 0)
        return !has(one.slice(0, unequal)) || given[one.slice(0, unequal)] !== one.slice(unequal + 2);
      const equal = one.indexOf('=');
      if (equal > 0) return has(one.slice(0, equal)) && given[one.slice(0, equal)] === one.slice(equal + 1);
      return one.startsWith('!') ? !has(one.slice(1)) : has(one);
    });
  };
  fc.assert(
    fc.property(fc.array(condition, { maxLength: 4 }), labels, (selector, given) => {
      const texts = selector.map((one) => selectorText([one]));
      return matches(parse(texts.join(',')), given) === naive(texts.join(';'), given);
    }),
    { numRuns: 5_000 },
  );
});

t.test('labels', async (t) => {
  t.strictSame(Object.keys(checkLabels('set', { zone: 'b', 'example.com/a': '' })), [
    'example.com/a',
    'zone',
  ]);
  for (const wrong of ['', 'a b', '-a', 'a-', 'ä', 'a/b/c', '/a', 'a/', `${'x'.repeat(254)}/a`]) {
    const { reason, field, message } = refusalOf(() => checkLabels('set', { [wrong]: 'v' }));
    t.strictSame([reason, field], ['wrong_form', 'set'], wrong);
    t.match(message, /is no key of a label/);
  }
  for (const wrong of ['a b', '-a', 'a.', 'x'.repeat(64), 'ä']) {
    const { reason, field } = refusalOf(() => checkLabels('set', { zone: wrong }));
    t.strictSame([reason, field], ['wrong_form', 'set.zone'], wrong);
  }
  const many = Object.fromEntries(Array.from({ length: MOST_LABELS + 1 }, (_, n) => [`k${n}`, '']));
  t.match(
    refusalOf(() => checkLabels('set', many)),
    { reason: 'too_long', field: 'set' },
  );
});

t.test('a selection', async (t) => {
  t.strictSame(
    checkSelection({
      pools: [' shop ', 4],
      labels: ' role==web ,zone in (a)',
      status: 'ok',
      limit: 2,
      order: 'label:zone',
    }),
    { pools: ['shop', 4], labels: 'role=web,zone=a', status: 'ok', limit: 2, order: 'label:zone' },
  );
  t.strictSame(checkSelection({ status: 'failed', labels: '', order: 'id' }), { status: 'failed' });
  t.match(
    refusalOf(() => checkSelection({ limit: 3 })),
    { reason: 'invalid', field: 'select' },
    'not the whole fleet',
  );
  t.strictSame(checkSelection({ limit: 3 }, true), { limit: 3 });
  t.match(
    refusalOf(() => checkSelection({ labels: 'a b' })),
    { field: 'select.labels' },
  );
  t.match(
    refusalOf(() => checkSelection({ status: 'ok', order: 'zone' })),
    { field: 'select.order' },
  );
  t.match(
    refusalOf(() => checkSelection({ status: 'ok', order: 'label:a b' })),
    { field: 'select.order' },
  );
  t.equal(
    selectionText({ labels: 'role=web', status: 'ok', pools: ['shop', 4], limit: 20, order: 'label:zone' }),
    'labels role=web, status ok, of pools shop, 4; the first 20 by label zone',
  );
  t.match(
    refusalOf(() => assertOneWay(['10.0.0.7'], {})),
    { reason: 'invalid', field: 'select' },
  );
  assertOneWay([], {});
  assertOneWay(['10.0.0.7'], undefined);
});
