/* What the tools that print bytes make of a secret, run for real, must not be readable after masking. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureInstalledProgram } from '@rigel/local-servers';
import fc from 'fast-check';
import t from 'tap';
import { Masker } from './masker.js';

const SECRET = 'hunter2-Tr0ub4dor&3';
/** Nobody may get so many bytes of the secret back that stand beside each other. */
const READABLE = 4;
const PARTS = [...SECRET].flatMap((_, at) =>
  at + READABLE <= SECRET.length ? [SECRET.slice(at, at + READABLE)] : [],
);
const masker = new Masker([SECRET]);

const folder = mkdtempSync(join(tmpdir(), 'rigel-dumps-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'file');

/** Programs, and Debian's packages that have them. */
const TOOLS = {
  xxd: 'xxd',
  hexdump: 'bsdextrautils',
  openssl: 'openssl',
  od: 'coreutils',
  base64: 'coreutils',
};

/** As in a shell of a node, where the file with the secret is `$1`. */
const COMMANDS = [
  'xxd "$1"',
  'xxd -u "$1"',
  'xxd -g 1 -c 20 "$1"',
  'xxd -c 1 "$1"',
  'xxd -p "$1"',
  'xxd -p -c 7 "$1"',
  'xxd -i "$1"',
  'xxd -b "$1"',
  'xxd -e "$1"',
  'xxd -e -g 8 "$1"',
  'xxd "$1" | sed "s/^/    /"',
  'xxd "$1" | cut -c 10-49',
  'hexdump "$1"',
  'hexdump -C "$1"',
  'hexdump -b "$1"',
  'hexdump -c "$1"',
  'hexdump -o "$1"',
  'hexdump -x "$1"',
  `hexdump -v -e '1/1 "%02x:"' "$1"`,
  'od "$1"',
  'od -An "$1"',
  'od -tx1 "$1"',
  'od -An -tx1 "$1"',
  'od -An -v -tx1 -w8 "$1"',
  'od -Ax -tx1z "$1"',
  'od -tx2 "$1"',
  'od -tx4 "$1"',
  'od -tx8 "$1"',
  'od -b "$1"',
  'od -c "$1"',
  'od -An -tx1 "$1" | tr -d "\\n"',
  'od -An -tx1 "$1" | tr -s "[:space:]" "\\t"',
  'base64 "$1"',
  'base64 -w 20 "$1" | sed "s/^/      /"',
  'base64 -w 3 "$1" | sed "s/^/\\t /"',
  'base64 -w 0 "$1" | sed "s/..../& /g"',
  'openssl base64 -in "$1"',
  'xxd -p "$1" | fold -w 13',
  'fold -w 7 "$1"',
  'fold -w 7 "$1" | sed "s/^/  /"',
];

const dump = (command: string): Buffer => execFileSync('/bin/sh', ['-c', command, 'sh', file]);

/** What somebody can read out of masked output who knows how it was made. */
function* readings(masked: string): Generator<string> {
  yield masked;
  yield masked.replaceAll(/\s/g, '');
  // The column of text, over all lines.
  const lines = masked.split('\n');
  yield lines.map((line) => /[|>](.*)[|<]$/.exec(line)?.[1] ?? '').join('');
  yield lines.map((line) => line.slice(51)).join('');
  yield lines.map((line) => line.slice(10).replaceAll(/\s{3}/g, '')).join('');
  // The digits, with and without what stands before and behind them.
  const inner = lines.map((line) =>
    line
      .replace(/^\s*[0-9a-f]{6,}:?\s/i, '')
      .replace(/\s+[|>].*[|<]$/, '')
      .replace(/ {2}\S.*$/, ''),
  );
  for (const text of [masked, inner.join(' ')]) {
    const joined = text.replaceAll(/0x|[\s,:]/gi, '');
    for (const shift of [0, 1]) yield bytesOf(joined.slice(shift), 16, 2);
    for (let shift = 0; shift < 4; shift++) {
      yield text
        .replaceAll(/\s/g, '')
        .slice(shift)
        .replaceAll(/[^*]{4}/g, (four) => Buffer.from(four, 'base64').toString('latin1'));
    }
    const words = text.split(/[\s,]+/);
    yield words.map((word) => (/^[0-7]{3}$/.test(word) ? bytesOf(word, 8, 3) : '*')).join('');
    yield words.map((word) => (/^[01]{8}$/.test(word) ? bytesOf(word, 2, 8) : '*')).join('');
    yield words
      .map((word) => (/^[0-7]{6}$/.test(word) ? lowFirst(Number.parseInt(word, 8), 2) : '*'))
      .join('');
    yield words
      .map((word) => (/^([0-9a-f]{4})+$/.test(word) ? reversed(bytesOf(word, 16, 2)) : '*'))
      .join('');
  }
}

const reversed = (text: string): string => [...text].reverse().join('');
const lowFirst = (value: number, bytes: number): string =>
  Array.from({ length: bytes }, (_, at) => String.fromCharCode((value >> (8 * at)) & 255)).join('');

/** Bytes written as so many digits each; what is none is a star. */
function bytesOf(digits: string, base: number, width: number): string {
  let bytes = '';
  for (let at = 0; at + width <= digits.length; at += width) {
    const value = Number.parseInt(digits.slice(at, at + width), base);
    bytes += Number.isNaN(value) ? '*' : String.fromCharCode(value & 255);
  }
  return bytes;
}

/** Parts of the secret that can be read. */
function leaks(masked: string): string[] {
  const found: string[] = [];
  for (const reading of readings(masked)) {
    for (const part of PARTS) if (reading.includes(part)) found.push(part);
  }
  return found;
}

function inPieces(bytes: Buffer, cuts: readonly number[]): Buffer {
  const out: Buffer[] = [];
  const stream = masker.output(0, (_, data) => out.push(Buffer.from(data)));
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(bytes.length, Math.max(at, cut));
    stream.push({ offset: at, data: bytes.subarray(at, end) });
    at = end;
  }
  stream.push({ offset: at, data: bytes.subarray(at) });
  stream.end();
  return Buffer.concat(out);
}

t.before(async () => {
  for (const [program, debianPackage] of Object.entries(TOOLS)) {
    const path = await ensureInstalledProgram(program, debianPackage);
    if (path === undefined) throw new Error(`there is no ${program} here, and it cannot be installed`);
  }
});

t.test('no tool that prints bytes shows a secret, wherever its lines break', async (t) => {
  let before = 0;
  for (let shift = 0; shift <= 16; shift++) {
    // Random bytes make no lines that are left out as repeated ones.
    writeFileSync(file, Buffer.concat([randomBytes(16 + shift), Buffer.from(SECRET), randomBytes(37)]));
    for (const command of COMMANDS) {
      const printed = dump(command);
      const plain = printed.toString('latin1');
      if (leaks(plain).length > 0) before++;
      const masked = inPieces(printed, []);
      const text = masked.toString('latin1');
      const left = leaks(text);
      if (left.length > 0) t.same(left, [], `${command} after ${16 + shift} bytes:\n${plain}\n${text}`);
      if (masked.length !== printed.length) t.fail(`${command}: the length is another`);
      const cuts = Array.from({ length: 20 }, () => Math.floor(Math.random() * printed.length));
      if (!masked.equals(inPieces(printed, cuts))) t.fail(`${command}: pieces that end at ${cuts}`);
    }
  }
  t.ok(
    before > COMMANDS.length * 17 * 0.9,
    `the secret could be read in ${before} of ${COMMANDS.length * 17}`,
  );
});

t.test('openssl shows no secret in what it prints of a key', async (t) => {
  const key = execFileSync('openssl', ['genpkey', '-algorithm', 'X25519'], { encoding: 'utf8' });
  const body = key.split('\n').slice(1, -2).join('');
  const raw = Buffer.from(body, 'base64').subarray(-32);
  // A secret is text: so the key is one whose bytes are.
  const secret = 'abcdefghijklmnopqrstuvwxyz012345';
  const der = Buffer.concat([Buffer.from(body, 'base64').subarray(0, -32), Buffer.from(secret)]);
  t.equal(raw.length, 32);
  writeFileSync(file, der);
  const printed = execFileSync('openssl', [
    'pkey',
    '-inform',
    'DER',
    '-in',
    file,
    '-text',
    '-noout',
  ]).toString();
  t.match(printed, '61:62:63', 'openssl prints the key');
  const masked = new Masker([secret]).text(printed);
  const priv = /priv:([\s\S]*?)pub:/;
  t.match(priv.exec(masked)?.[1]?.replaceAll(/\s/g, ''), /^\**$/, masked);
  t.equal(priv.exec(masked)?.[1]?.length, priv.exec(printed)?.[1]?.length);
});

t.test('whoever goes on in a dump masks what the other would have', async (t) => {
  writeFileSync(file, Buffer.concat([randomBytes(29), Buffer.from(SECRET), randomBytes(70)]));
  for (const command of COMMANDS) {
    const printed = dump(command);
    const lines = Buffer.concat([Buffer.alloc(masker.context, 'filler of lines\n'), printed]);
    const whole = inPieces(lines, []);
    for (let from = masker.context; from <= lines.length; from += 41) {
      const out: Buffer[] = [];
      const stream = masker.output(from, (_, data) => out.push(Buffer.from(data)));
      const start = from - masker.context;
      stream.push({ offset: start, data: lines.subarray(start) });
      stream.end();
      if (!whole.subarray(from).equals(Buffer.concat(out))) t.fail(`${command}: from ${from}`);
    }
  }
  t.pass('each went on alike');
});

t.test('a dump of something else stays as it is', async (t) => {
  const other = Buffer.from('nothing of the kind, but some lines of text that anybody may read\n'.repeat(4));
  writeFileSync(file, other);
  const short = new Masker(['abcd', '1234', 'x0y1']);
  for (const command of COMMANDS) {
    const printed = dump(command).toString('latin1');
    t.equal(masker.text(printed), printed, command);
    t.equal(short.text(printed), printed, command);
  }
});

t.test('tables of numbers and words stay as they are beside short secrets', async (t) => {
  const short = new Masker(['abcd', '1234', '7890', 'pass word'.slice(0, 4)]);
  const table = [
    'PID   USER     TIME  COMMAND',
    ...Array.from(
      { length: 300 },
      (_, at) => `${String(at * 7).padStart(5)}  root  0:0${at % 10}  worker ${at * 3}`,
    ),
  ].join('\n');
  t.equal(short.text(table), table);
  const words = 'a b c d\np a s s\n12 34 56\nthe  quick  brown\n1\n2\n3\n4\n';
  t.equal(short.text(words), words);
});

t.test('output of any kind keeps its length, and costs no more than its own length in memory', async (t) => {
  const alphabet = fc.constantFrom(
    ...'0123456789abcdefhunt \n:|>,\\x*'.split(''),
    '68',
    '68 75',
    '\n0000010 ',
    'aHVu',
    '  |',
  );
  fc.assert(
    fc.property(
      fc.array(alphabet, { maxLength: 300 }),
      fc.array(fc.nat({ max: 600 }), { maxLength: 8 }),
      (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const whole = inPieces(bytes, []);
        return whole.length === bytes.length && whole.equals(inPieces(bytes, cuts));
      },
    ),
    { numRuns: 500 },
  );
  const masked = masker.output(0, () => undefined) as unknown as { kept: Buffer; push(piece: object): void };
  let offset = 0;
  for (const data of ['68', ' '.repeat(100_000), '68 75  |', 'x'.repeat(100_000)].map((text) =>
    Buffer.from(text),
  )) {
    masked.push({ offset, data });
    offset += data.length;
    t.ok(masked.kept.length < 2_000, `${masked.kept.length} bytes are kept back`);
  }
});
