import { createIntl, createIntlCache, type IntlShape } from '@formatjs/intl';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { type Settings, settingsNow, useSettings } from '../app/settings.js';
import { common } from './common.js';
import type { Catalogue, KeyOf, Locale } from './words.js';

/** The language that is shown: the chosen one, else the first of the browser's that there are words for. */
export function chooseLocale(chosen: Settings['language'], browser: readonly string[]): Locale {
  const wanted = chosen === 'system' ? browser : [chosen];
  const first = wanted.map((tag) => tag.toLowerCase()).find((tag) => /^(en|zh)\b/.test(tag));
  return first?.startsWith('zh') ? 'zh-CN' : 'en-US';
}

const Shape = createContext<IntlShape | undefined>(undefined);
const cache = createIntlCache();

/** What makes the pseudo-language of English; only a browser that is set to it loads it. */
let pseudo: ((shape: IntlShape) => IntlShape) | undefined;

function shapeOf(language: Settings['language']): IntlShape {
  const shape = createIntl({ locale: chooseLocale(language, navigator.languages) }, cache);
  return language === 'pseudo' && pseudo ? pseudo(shape) : shape;
}

/** Gives everything below it the words and forms of the chosen language. */
export function Language({ children }: { children: ReactNode }): ReactNode {
  const { language } = useSettings();
  const [, setLoaded] = useState(false);
  const isWanting = language === 'pseudo' && pseudo === undefined;
  useEffect(() => {
    if (!isWanting) return;
    void import('./pseudo.js').then((module) => {
      pseudo = module.pseudo;
      setLoaded(true);
    });
  }, [isWanting]);
  const shape = useMemo(() => (isWanting ? undefined : shapeOf(language)), [language, isWanting]);
  return shape && <Shape value={shape}>{children}</Shape>;
}

/** The words and forms of the chosen language, for what is no component: what is told when something has happened. */
export const intlNow = (): IntlShape => shapeOf(settingsNow().language);

export function useIntl(): IntlShape {
  const shape = useContext(Shape);
  if (!shape) throw new Error('there is no Language above this component');
  return shape;
}

/** Gives the words for a key, with the values that they name in braces. */
export type Text<Key extends string> = (key: Key, values?: Record<string, string | number>) => string;

/** The words of a catalogue in the chosen language: `const text = useWords(taskWords); text('pause')`. */
export function useWords(): Text<KeyOf<typeof common>>;
export function useWords<Key extends string>(catalogue: Catalogue<Key>): Text<Key>;
export function useWords(catalogue: Catalogue<string> = common): Text<string> {
  const { locale, formatters } = useIntl();
  return useMemo(() => {
    const messages = catalogue[locale as Locale];
    return (key, values) => String(formatters.getMessageFormat(messages[key] ?? key, locale).format(values));
  }, [catalogue, formatters, locale]);
}
