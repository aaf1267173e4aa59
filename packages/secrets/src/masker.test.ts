import fc from 'fast-check';
import t from 'tap';
import { Masker } from './masker.js';
import { HiddenOutput } from './output-mask.js';

/** Without the padding, which is no part of any secret. */
const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');
/** How many characters of base64 bear bits of a text at the beginning. */
const base64Length = (text: string) => Math.ceil((Buffer.byteLength(text) * 8) / 6);
const hex = (text: string) => Buffer.from(text).toString('hex');
const STARS = /^\*+$/;

/** The ways to write a secret that must not be readable anywhere. */
const encodings: Record<string, (secret: string) => string> = {
  plain: (secret) => secret,
  base64,
  'base64 after one byte': (secret) => base64(`u${secret}`).slice(1),
  'base64 after two bytes': (secret) => base64(`u:${secret}`).slice(2),
  'base64 with more behind': (secret) => base64(`${secret}:x`).slice(0, base64Length(secret)),
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 in lines': (secret) => base64(secret).replaceAll(/(.{7})(?=.)/g, '$1\n'),
  URL: encodeURIComponent,
  'URL, all of it': (secret) => hex(secret).replaceAll(/../g, '%$&'),
  form: (secret) => new URLSearchParams({ '': secret }).toString().slice(1),
  JSON: (secret) => JSON.stringify(secret).slice(1, -1),
  'JSON, all escaped': (secret) =>
    secret.replaceAll(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  hex,
  'HEX in pairs': (secret) =>
    hex(secret)
      .toUpperCase()
      .replaceAll(/..(?=.)/g, '$& '),
  'shell quotes': (secret) => secret.replaceAll("'", "'\\''"),
};

const secret = fc
  .oneof(
    fc.string({ minLength: 4, maxLength: 40, unit: 'grapheme' }),
    fc.string({
      minLength: 4,
      maxLength: 60,
      unit: fc.constantFrom('a', 'b', ' ', "'", '"', '\\', '\n', '%', 'é', '😀', '/', '+', '&'),
    }),
  )
  .filter((text) => !/[\p{Cs}\0]/u.test(text) && !/^[*\s]+$/.test(text));

/** Feeds bytes in pieces that end at the cuts. */
function inPieces(masker: Masker, bytes: Buffer, cuts: number[], from = 0, start = 0): Buffer {
  const out: Buffer[] = [];
  let expected = from;
  const stream = masker.output(from, (offset, data) => {
    if (offset !== expected) throw new Error(`byte ${offset} came where ${expected} was due`);
    expected += data.length;
    out.push(Buffer.from(data));
  });
  const ends = [
    ...new Set(cuts.map((cut) => Math.min(bytes.length, Math.max(start, cut)))),
    bytes.length,
  ].sort((a, b) => a - b);
  let at = start;
  for (const end of ends) {
    stream.push({ offset: at, data: bytes.subarray(at, end) });
    at = end;
  }
  stream.end();
  return Buffer.concat(out);
}

t.test('each encoding of a secret becomes stars, and nothing else does', async (t) => {
  for (const value of ['hunter2-Ünïcode', 'it\'s "q\\uoted"\nand/two+lines&%', 'abcd']) {
    const masker = new Masker([value]);
    for (const [name, encode] of Object.entries(encodings)) {
      const masked = masker.text(`before <${encode(value)}> after`);
      t.match(masked.slice(8, -7), STARS, `${name}: ${masked}`);
      t.equal(masked.slice(0, 8), 'before <', name);
      t.equal(masked.slice(-7), '> after', name);
    }
    const text = 'nothing of the kind\n';
    t.equal(masker.text(text), text);
  }
});

t.test('in any encoding, cut into any pieces, the same bytes are masked', async (t) => {
  fc.assert(
    fc.property(
      secret,
      fc.constantFrom(...Object.values(encodings)),
      fc.string({ maxLength: 20 }),
      fc.string({ maxLength: 20 }),
      fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
      (value, encode, before, after, cuts) => {
        const masker = new Masker([value]);
        const bytes = Buffer.from(`${before}\n${encode(value)}\n${after}`);
        const whole = inPieces(masker, bytes, []);
        const start = Buffer.byteLength(before) + 1;
        const end = start + Buffer.byteLength(encode(value));
        if (whole.length !== bytes.length) return false;
        if (!STARS.test(whole.toString('latin1', start, end))) return false;
        return whole.equals(inPieces(masker, bytes, cuts));
      },
    ),
    { numRuns: 300 },
  );
  t.pass('no counterexample');
});

t.test('whoever goes on at any byte masks what the other would have', async (t) => {
  fc.assert(
    fc.property(
      secret,
      fc.array(fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom(...Object.values(encodings))), {
        maxLength: 6,
      }),
      fc.nat({ max: 300 }),
      (value, parts, at) => {
        const masker = new Masker([value]);
        const bytes = Buffer.from(
          parts.map((part) => (typeof part === 'string' ? part : part(value))).join(''),
        );
        const from = Math.min(at, bytes.length);
        const whole = inPieces(masker, bytes, []);
        const rest = inPieces(masker, bytes, [from], from, Math.max(0, from - masker.context));
        return whole.subarray(from).equals(rest);
      },
    ),
    { numRuns: 300 },
  );
  t.pass('no counterexample');
});

t.test('where a part of the output is left out no piece of a secret stays', async (t) => {
  const value = 'correct horse/battery';
  const masker = new Masker([value]);
  const mark = Buffer.from('\n[left out]\n');
  for (const encode of Object.values(encodings)) {
    const written = encode(value);
    for (let cut = 0; cut <= written.length; cut++) {
      const out: Buffer[] = [];
      const places: number[] = [];
      const stream = masker.output(0, (offset, data) => {
        if (offset >= 1000 && places.at(-1) !== 1000) {
          places.push(1000);
          out.push(mark);
        }
        out.push(data);
      });
      const head = Buffer.from(`-${written.slice(0, cut)}`);
      const tail = Buffer.from(`${written.slice(cut)}-`);
      stream.push({ offset: 0, data: head });
      stream.push({ offset: 1000, data: tail, apart: true });
      stream.end();
      const [first = '', last = ''] = Buffer.concat(out).toString().split(mark.toString());
      // A piece of an escape and fewer than four bytes may stay.
      const kept = [...first.slice(1), ...last.slice(0, -1)].filter((letter) => letter !== '*').join('');
      t.ok(kept.length <= 9, `${written} cut at ${cut}: ${first} | ${last}`);
      t.equal(first.length, head.length);
      t.equal(last.length, tail.length);
    }
  }
});

t.test('what comes once more is masked and handed on once more, also by who goes on later', async (t) => {
  const masker = new Masker(['correct horse']);
  const out: [number, string][] = [];
  const stream = masker.output(60, (offset, data) => out.push([offset, data.toString()]));
  stream.push({ offset: 50, data: Buffer.from('0123456789a correct ho') });
  stream.push({ offset: 40, data: Buffer.from('rse, correct horse, a line'), apart: true });
  stream.push({ offset: 66, data: Buffer.from(' the end\n'), mark: true });
  stream.end();
  const text = (from: number, to: number) =>
    out
      .slice(from, to)
      .map(([, part]) => part)
      .join('');
  const again = out.findIndex(([offset]) => offset === 40);
  t.equal(text(0, again), 'a **********');
  t.equal(text(again, out.length), 'rse, *************, a line the end\n', 'three letters tell nothing');
});

t.test('a secret that is cut off at the end is masked', async (t) => {
  const masker = new Masker(['correct horse']);
  t.equal(masker.text('the correct ho'), 'the **********');
  t.equal(masker.text('the cor'), 'the cor', 'three letters tell nothing');
});

t.test('each line of a secret of several lines is a secret', async (t) => {
  const key = '-----BEGIN KEY-----\nabcdefghijkl\n  mnopqrst\nxy\n-----END KEY-----';
  const masker = new Masker([key]);
  t.equal(masker.text('see: abcdefghijkl, mnopqrst, xy'), 'see: ************, ********, xy');
  t.match(masker.text(key.replaceAll('\n', '\r\n')), STARS);
});

t.test('secrets that overlap, repeat or contain each other', async (t) => {
  t.equal(new Masker(['abcabc']).text('xabcabcabcx'), 'x*********x');
  t.equal(new Masker(['abcdef', 'defghi']).text('-abcdefghi-'), '-*********-');
  t.equal(new Masker(['abcd', 'abcdefgh']).text('abcdefg abcdefgh'), '****efg ********');
});

t.test('of hidden output only its lines are left', async (t) => {
  const out: string[] = [];
  const hidden = new HiddenOutput((offset, data) => out.push(`${offset}:${data}`));
  hidden.push({ offset: 3, data: Buffer.from('ab\ncd\n') });
  hidden.push({ offset: 9, data: Buffer.from('[left out]'), mark: true });
  hidden.end();
  t.same(out, ['3:**\n**\n', '9:[left out]']);
});
