import type { IntlShape } from '@formatjs/intl';
import { ApiError, type RefusalReason } from '@rigel/api-client';
import { common } from './common.js';
import { refusalWords } from './refusal-words.js';
import { momentText } from './time.js';
import { type KeyOf, type Locale, namesIn } from './words.js';

/* A refusal of the API in the language of the person, told from its code and what it speaks of. */

type Code = RefusalReason['code'];

/** Codes that say no more than the server's words do: these are shown. */
const UNTOLD = ['invalid', 'wrong_state', 'unknown_parameter', 'wrong_header', 'not_http'] as const;

/** The key of the words for a code. The compiler demands words for every code of the API that is not left untold. */
type Told = `refusal.${Exclude<Code, (typeof UNTOLD)[number]>}`;
function keyOf(code: Code): KeyOf<typeof refusalWords> | undefined {
  const key: Told = `refusal.${code}` as Told;
  // Also a code of a later release has no words here.
  return (UNTOLD as readonly Code[]).includes(code) || !(key in refusalWords['en-US']) ? undefined : key;
}

/** The language and the zone that a refusal is told in. */
export interface Manner {
  intl: Pick<IntlShape, 'locale' | 'formatters'>;
  /** An IANA name; undefined = the browser's zone. */
  zone: string | undefined;
}

/**
 * What the API refused, in the language of the person; undefined where only the server has words for it.
 * @param said the server's words, for refusals of a text: only they say where in it and why.
 */
export function tellRefusal(
  { code, value, data }: RefusalReason,
  manner: Manner,
  said: string,
): string | undefined {
  const key = keyOf(code);
  if (key === undefined) return undefined;
  const locale = manner.intl.locale as Locale;
  const message = refusalWords[locale][key];
  const facts: Record<string, string | number> = { ...factsOf({ value, data }, manner), said };
  // A part of the message would be empty: the server's own words say all of it.
  if (namesIn(message).some((name) => facts[name] === undefined)) return undefined;
  return String(manner.intl.formatters.getMessageFormat(message, locale).format(facts));
}

/** What stands in braces in the words, as people read it. */
function factsOf(
  { value, data }: Pick<RefusalReason, 'value' | 'data'>,
  { intl, zone }: Manner,
): Record<string, string | number> {
  const locale = intl.locale as Locale;
  const given = { value: typeof value === 'boolean' ? String(value) : value, ...data };
  // The form that a value must have is not always told.
  const facts: Record<string, string | number> = { form: 'unknown' };
  for (const [name, fact] of Object.entries(given)) if (fact !== null && fact !== '') facts[name] = fact;
  for (const name of ['at', 'since'])
    if (typeof facts[name] === 'number') facts[name] = momentText(new Date(facts[name]), locale, zone);
  const roles = common[locale] as Record<string, string>;
  for (const name of ['needed', 'role']) {
    const word = roles[`role.${facts[name]}`];
    if (word !== undefined) facts[name] = word;
  }
  const things = refusalWords[locale] as Record<string, string>;
  const thing = things[`thing.${facts.kind}`];
  if (thing !== undefined) facts.thing = thing;
  // A node is known by its address, where it has one.
  if (facts.ip !== undefined) facts.node = facts.ip;
  return facts;
}

/** Other names that refusals have for fields of a request: `cron_items` for `cron_itmes`. */
export type Spellings = Readonly<Record<string, string>>;

/**
 * The field of a form at which a refusal is shown: the one that it names, or the nearest one around that.
 * @param fields names of the fields, as requests have them: `steps.0.timeout`
 * @returns undefined: the refusal is about none of them
 */
export function placeOf(
  error: Error | undefined,
  fields: readonly string[],
  spellings: Spellings = {},
): string | undefined {
  const named = error instanceof ApiError ? error.reason?.field : undefined;
  if (typeof named !== 'string') return undefined;
  const [first = '', ...rest] = named.split('.');
  const refused = [spellings[first] ?? first, ...rest].join('.');
  return fields
    .filter((field) => refused === field || refused.startsWith(`${field}.`))
    .sort((a, b) => b.length - a.length)[0];
}
