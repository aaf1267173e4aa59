import { isIPv4 } from 'node:net';
import { show } from '@rigel/contracts';
import { WrongParameter } from '../failures.js';

/** Most addresses that one list may stand for. */
export const MOST_ADDRESSES = 10_000;

const SEPARATORS = /[\s,;]+/;
/** `[1-40]` within an entry. */
const RANGE = /\[(\d{1,10})-(\d{1,10})\]/;

/**
 * The addresses of a text that a person pasted, each once, in its order: entries between commas, semicolons, blanks and
 * line ends. An entry is an address, an IPv4 network (`10.0.3.0/28`: its hosts), or has ranges (`10.0.3.[1-40]`,
 * `web-[01-12].example.org`). What is no address stays as it is: the inventory says so.
 * @throws WrongParameter when a network or range is wrong, or the text stands for more than `MOST_ADDRESSES`.
 */
export function readAddressList(name: string, text: string): string[] {
  const addresses = new Set<string>();
  for (const entry of text.split(SEPARATORS)) {
    if (entry === '') continue;
    for (const address of expand(name, entry)) {
      addresses.add(address);
      if (addresses.size > MOST_ADDRESSES) throw tooMany(name, entry);
    }
  }
  return [...addresses];
}

function tooMany(name: string, entry: string): WrongParameter {
  return new WrongParameter(
    `${name} stands for more than ${MOST_ADDRESSES} addresses (at ${show(entry)}): ask for them in several requests`,
    name,
    { code: 'too_long', data: { limit: MOST_ADDRESSES } },
  );
}

function expand(name: string, entry: string): Iterable<string> {
  if (entry.includes('/')) return hostsOf(name, entry);
  return RANGE.test(entry) ? rangesOf(name, entry) : [entry];
}

/** The hosts of a network: all of its addresses but the first and the last, which are no hosts where it has more than two. */
function* hostsOf(name: string, entry: string): Generator<string> {
  const [address = '', bits = '', ...rest] = entry.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || rest.length > 0) {
    throw new WrongParameter(
      `${name}: ${show(entry)} is no IPv4 network, which is written like 10.0.3.0/28`,
      name,
      { code: 'not_an_address', value: entry },
    );
  }
  const size = 2 ** (32 - Number(bits));
  if (size > 2 * MOST_ADDRESSES) throw tooMany(name, entry);
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = Math.floor(number / size) * size;
  const skipped = size > 2 ? 1 : 0;
  for (let host = first + skipped; host < first + size - skipped; host++) {
    yield [24, 16, 8, 0].map((shift) => Math.floor(host / 2 ** shift) % 256).join('.');
  }
}

/** Each range is replaced by its numbers, with as many digits as its first number is written with. */
function* rangesOf(name: string, entry: string): Generator<string> {
  const range = RANGE.exec(entry);
  if (!range) {
    yield entry;
    return;
  }
  const [text, first = '', last = ''] = range;
  if (Number(last) < Number(first)) {
    throw new WrongParameter(`${name}: the range ${text} of ${show(entry)} ends before it begins`, name, {
      code: 'range',
      value: entry,
    });
  }
  if (Number(last) - Number(first) >= MOST_ADDRESSES) throw tooMany(name, entry);
  const before = entry.slice(0, range.index);
  const after = entry.slice(range.index + text.length);
  for (let n = Number(first); n <= Number(last); n++) {
    for (const rest of rangesOf(name, after))
      yield `${before}${String(n).padStart(first.length, '0')}${rest}`;
  }
}
