import { ServiceError } from '@rigel/contracts';
import fc from 'fast-check';
import t from 'tap';
import { type Found, LineSearch, shownOf, type Wanted } from './line-search.js';

interface Hit {
  line: number;
  at: number;
  match: string;
}

async function search(wanted: Partial<Wanted>, pieces: readonly (string | Buffer)[]): Promise<Hit[]> {
  const hits: Hit[] = [];
  const line = new LineSearch({ q: '', regex: false, ignore_case: false, ...wanted }, (found: Found) =>
    hits.push({
      line: found.line,
      at: found.lineFrom,
      match: found.bytes.toString('utf8', found.from, found.to),
    }),
  );
  for (const piece of pieces) await line.add(Buffer.from(piece));
  line.end();
  return hits;
}

t.test(
  'a text stands for itself, and each line that has it is found once, wherever pieces end',
  async (t) => {
    const output = 'one a.c\ntwo abc\r\nthree a.c a.c\nlast A.C';
    for (let cut = 0; cut <= output.length; cut++) {
      t.strictSame(await search({ q: 'a.c' }, [output.slice(0, cut), output.slice(cut)]), [
        { line: 1, at: 0, match: 'a.c' },
        { line: 3, at: 17, match: 'a.c' },
      ]);
    }
    t.equal((await search({ q: 'a.c', ignore_case: true }, [output])).length, 3);
    t.equal((await search({ q: 'GRÜSSE', ignore_case: true }, ['viele grüsse\n'])).length, 1);
    t.equal(
      (
        await search({ q: '没有空间' }, [
          Buffer.from('磁盘没有空间\n').subarray(0, 8),
          Buffer.from('磁盘没有空间\n').subarray(8),
        ])
      ).length,
      1,
    );
  },
);

t.test('an expression finds the lines, and the matches, that one of JavaScript finds', async () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '(?:ab|b)',
    '(a|bc)',
    'é',
    '[0-9a]',
    '\\.',
  );
  const repeated = fc
    .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}'))
    .map((parts) => parts.join(''));
  const expression = fc
    .tuple(
      fc.constantFrom('', '', '^'),
      fc.array(repeated, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '', '$'),
    )
    .map(([start, parts, end]) => start + parts.join('') + end);
  const line = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', ' ', 'é', 'A'), maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      expression,
      fc.array(line, { maxLength: 6 }),
      fc.boolean(),
      async (q, lines, ignoreCase) => {
        const expected = new RegExp(q, ignoreCase ? 'ui' : 'u');
        const hits = await search({ q, regex: true, ignore_case: ignoreCase }, [
          lines.map((text) => `${text}\n`).join(''),
        ]);
        const wanted = lines.flatMap((text, index) => (expected.test(text) ? [index + 1] : []));
        if (JSON.stringify(hits.map((hit) => hit.line)) !== JSON.stringify(wanted))
          throw new Error(`${q} finds the lines ${hits.map((hit) => hit.line)}, not ${wanted}`);
        for (const { match } of hits) {
          if (!new RegExp(`^(?:${q})$`, ignoreCase ? 'ui' : 'u').test(match))
            throw new Error(`${q} does not match '${match}'`);
        }
      },
    ),
    { numRuns: 500 },
  );
});

t.test('no expression takes long where others go back again and again', async (t) => {
  const line = `${'a'.repeat(200_000)}!`;
  for (const q of ['(a+)+$', '(a|aa)*b$', '(.*)*x', `${'a?'.repeat(60)}${'a'.repeat(60)}b`, '(a*)*(b*)*c{3}'])
    t.strictSame(await search({ q, regex: true }, [line]), [], q);
});

t.test('a line of a megabyte is looked through in parts and told once', async (t) => {
  const long = `${'x'.repeat(700_000)}needle${'y'.repeat(400_000)}needle`;
  const hits = await search({ q: 'needle' }, [long, '\nneedle\n']);
  t.strictSame(
    hits.map(({ line }) => line),
    [1, 2],
  );
});

t.test('bytes that are no text, NUL and control characters are looked through, too', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from([0, 0xff, 0xfe, 0x1b]),
    Buffer.from('[31mred\n'),
    Buffer.from([0xc3, 0x0a]),
  ]);
  t.equal((await search({ q: 'red' }, [bytes]))[0]?.line, 1);
  t.equal((await search({ q: '^.{4}\\[31m', regex: true }, [bytes])).length, 1);
  t.equal((await search({ q: '^.$', regex: true }, [bytes]))[0]?.line, 2);
  t.equal((await search({ q: '\\x1b\\[', regex: true }, [bytes])).length, 1);
});

t.test('what cannot be searched for is refused with the way out', async (t) => {
  const refusals: [q: string, says: RegExp][] = [
    ['(a)\\1', /references/],
    ['(?=a)', /look ahead/],
    ['\\bword', /word boundaries/],
    ['a{2,1}', /wrong way round/],
    ['a{999}', /at most 200/],
    ['*a', /nothing before/],
    ['(a', /not closed/],
    ['a)', /closes none/],
    ['[a', /not closed/],
    ['[z-a]', /range/],
    ['a\\', /end/],
    ['((((a{200}){200}){200}){200})', /too long/],
    ['^*', /place/],
  ];
  for (const [q, says] of refusals) {
    const error = await search({ q, regex: true }, []).catch((error: unknown) => error);
    t.ok(
      error instanceof ServiceError && error.code === 'invalid' && says.test(error.message),
      `${q}: ${error}`,
    );
  }
});

t.test('of a long line the part around the match is shown', async (t) => {
  const found: Found[] = [];
  const line = new LineSearch({ q: 'needle', regex: false, ignore_case: false }, (one) => found.push(one));
  await line.add(Buffer.from(`${'x'.repeat(5_000)}needle${'y'.repeat(5_000)}\n`));
  const { text, column, length } = shownOf(found[0] as Found);
  t.equal(text.length, 500);
  t.equal(text.slice(column, column + length), 'needle');
});
