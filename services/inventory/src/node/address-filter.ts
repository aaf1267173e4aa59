import { isIPv4 } from 'node:net';
import { ServiceError, show } from '@rigel/contracts';

/** Texts from `from` on and before `to`, compared byte by byte. */
export interface TextRange {
  from: string;
  to: string;
}

/** After every text that begins with the text before it. */
const LAST = '\u{10ffff}';
/** Directly after a text itself. */
const NEXT = '\u0001';
const BITS_OF_PART = 8;

export interface AddressFilter {
  ranges: TextRange[];
  /** The addresses must be IPv4 as well: a host name may begin like one. */
  ipv4: boolean;
}

/**
 * The ranges of addresses that a filter means: the beginning of an address, or an IPv4 network (`10.0.3.0/24`).
 * @throws ServiceError `invalid` (field `ip`).
 */
export function readAddressFilter(text: string): AddressFilter {
  const ip = text.trim();
  if (ip === '') throw new ServiceError('blank', 'ip is blank', 'ip');
  if (!ip.includes('/')) return { ranges: [{ from: ip, to: `${ip}${LAST}` }], ipv4: false };
  const [address = '', bits = '', ...rest] = ip.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || rest.length > 0) {
    throw new ServiceError(
      'wrong_form',
      `ip must be the beginning of an address, or an IPv4 network like 10.0.3.0/24 (got ${show(text)})`,
      'ip',
      { value: text },
    );
  }
  return { ranges: rangesOf(address.split('.').map(Number), Number(bits)), ipv4: true };
}

/** The texts of a network's addresses, with or without a port. Whole parts of an address end in a dot. */
function rangesOf(parts: readonly number[], bits: number): TextRange[] {
  const whole = Math.min(Math.floor(bits / BITS_OF_PART), 3);
  const size = 2 ** (BITS_OF_PART - (bits - whole * BITS_OF_PART));
  const first = Math.floor((parts[whole] ?? 0) / size) * size;
  const values = Array.from({ length: size }, (_, n) => [...parts.slice(0, whole), first + n].join('.'));
  if (whole < 3) return values.map((value) => startingWith(`${value}.`));
  return values.flatMap((value) => [{ from: value, to: `${value}${NEXT}` }, startingWith(`${value}:`)]);
}

const startingWith = (text: string): TextRange => ({ from: text, to: `${text}${LAST}` });
