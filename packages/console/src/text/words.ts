/** Languages of the console. */
export type Locale = 'en-US' | 'zh-CN';

/** Words in ICU message format by key, in each language. A page has its own beside it, so that they are loaded with it. */
export type Catalogue<Key extends string> = Readonly<Record<Locale, Readonly<Record<Key, string>>>>;

/** Words in English and 简体中文. The compiler demands every key in both; a test refuses a key that nothing uses. */
export function words<Key extends string>(
  english: Readonly<Record<Key, string>>,
  chinese: Readonly<Record<NoInfer<Key>, string>>,
): Catalogue<Key> {
  return { 'en-US': english, 'zh-CN': chinese };
}

/** A name in braces; what stands in braces behind the name of a form (`one {Start}`) is a text. */
const NAME = /(?<!(?:=\d+|\b(?:zero|one|two|few|many|other))\s)\{(\w+)\s*[,}]/g;

/** The names in braces of a message, each once. */
export function namesIn(message = ''): string[] {
  return [...new Set([...message.matchAll(NAME)].map(([, name = '']) => name))];
}

/** The keys of a catalogue. */
export type KeyOf<Words> = Words extends Catalogue<infer Key> ? Key : never;
