import fc from 'fast-check';
import t from 'tap';
import { takeCensus } from './json-census.js';
import { parseKeepingSpelling, SpelledNumber } from './spelled-number.js';

const census = (text: string, entries = Number.POSITIVE_INFINITY, levels = 1_000) =>
  takeCensus(Buffer.from(text), entries, levels);

/** Members and elements, and one for each list and object beside the one that it is itself. */
function entriesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  return Math.max(1, inner.length) + inner.reduce((sum: number, child) => sum + entriesOf(child), 0);
}

function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

function hasSpelled(value: unknown): boolean {
  if (value instanceof SpelledNumber) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasSpelled);
}

t.test('the count is that of the parsed values, whatever the strings hold', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, space) => {
      const text = JSON.stringify(value, null, space);
      const [entries, levels] = [entriesOf(value), levelsOf(value)];
      if (!['plain', 'spelled'].includes(census(text, entries, levels))) return false;
      if (levels > 0 && census(text, entries, levels - 1) !== 'levels') return false;
      return entries === 0 || census(text, entries - 1, levels) === 'entries';
    }),
  );
});

t.test('a number that loses its spelling is never passed over', async (t) => {
  const number = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String),
      fc.constantFrom('', '.0', '.5', '.10', 'e3', 'E-2', 'e+1'),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const text = `{"a": [${numbers.join()}], "true e.1": [true,false,null]}`;
      return !hasSpelled(parseKeepingSpelling(text)) || census(text) === 'spelled';
    }),
  );
  t.equal(census('{"a": 123456789012345, "b": [0, -7], "c": true, "1.10": "1.10"}'), 'plain');
  for (const odd of ['1.10', '-0', '1e3', '1234567890123456']) t.equal(census(`[${odd}]`), 'spelled', odd);
});

t.test('comes to an end, whatever the bytes are', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom('', '{"', '[-', '"\\', '1'),
      (bytes, head) => {
        takeCensus(Buffer.concat([Buffer.from(head), bytes, Buffer.from(head)]), 10);
      },
    ),
  );
});
