import type { IntlShape } from '@formatjs/intl';

/*
 * The pseudo-language of tests: English in brackets, with accents on all letters, and 40 % longer by doubled vowels.
 * A text that does not fit is seen by its length, and a text that is in no catalogue by its plain letters.
 */

const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ACCENTED = 'áƀçđéƒğĥíĵķłɱñóƥʠřšťúṽŵẋýžÁƁÇĐÉƑĞĤÍĴĶŁṀÑÓƤɊŘŠŤÚṼŴẊÝŽ';

/** A part of a message: literal text, a value, or branches by a value. */
interface Part {
  type: number;
  value?: unknown;
  options?: Record<string, { value: Part[] }>;
}
const LITERAL = 0;

/** So much of a text is added to it, the brackets among it. */
const ADDED = 0.4;

function lengthened(text: string): string {
  let left = Math.ceil(text.length * ADDED) - '⟦⟧'.length;
  return text
    .replace(/[aeiou]/gi, (vowel) => (left-- > 0 ? vowel + vowel : vowel))
    .replace(/[a-z]/gi, (letter) => ACCENTED[PLAIN.indexOf(letter)] as string);
}

/** What is written in a message, but not the values that are put into it. */
function changed(parts: readonly Part[]): Part[] {
  return parts.map((part) => {
    if (part.type === LITERAL) return { ...part, value: lengthened(String(part.value)) };
    if (part.options === undefined) return part;
    const options = Object.entries(part.options).map(([name, { value }]) => [
      name,
      { value: changed(value) },
    ]);
    return { ...part, options: Object.fromEntries(options) };
  });
}

/** The same words and forms, with every message in the pseudo-language. */
export function pseudo(shape: IntlShape): IntlShape {
  const { formatters } = shape;
  type Format = typeof formatters.getMessageFormat;
  const made = new Map<string, ReturnType<Format>>();
  const getMessageFormat: Format = (message, locale) => {
    const key = String(message);
    let format = made.get(key);
    if (!format) {
      const parts = formatters.getMessageFormat(message, locale).getAst() as Part[];
      const whole = [literal('⟦'), ...changed(parts), literal('⟧')];
      format = formatters.getMessageFormat(whole as unknown as string, locale);
      made.set(key, format);
    }
    return format;
  };
  return { ...shape, formatters: { ...formatters, getMessageFormat } };
}

const literal = (value: string): Part => ({ type: LITERAL, value });
