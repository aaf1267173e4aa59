import { createIntl, createIntlCache, type IntlShape } from '@formatjs/intl';
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import { useSettings } from '../app/settings.js';
import { en, type TextKey } from './en.js';
import { zh } from './zh.js';

const CATALOGUES = { 'en-US': en, 'zh-CN': zh };

export type Locale = keyof typeof CATALOGUES;

/** The language that is shown: the chosen one, else the first of the browser's that there are words for. */
export function chooseLocale(chosen: 'system' | 'en' | 'zh', browser: readonly string[]): Locale {
  const wanted = chosen === 'system' ? browser : [chosen];
  const first = wanted.map((tag) => tag.toLowerCase()).find((tag) => /^(en|zh)\b/.test(tag));
  return first?.startsWith('zh') ? 'zh-CN' : 'en-US';
}

const Shape = createContext<IntlShape | undefined>(undefined);
const cache = createIntlCache();

/** Gives everything below it the words and forms of the chosen language. */
export function Language({ children }: { children: ReactNode }): ReactNode {
  const { language } = useSettings();
  const shape = useMemo(() => {
    const locale = chooseLocale(language, navigator.languages);
    return createIntl({ locale, messages: CATALOGUES[locale], onError: reportMissing }, cache);
  }, [language]);
  return <Shape value={shape}>{children}</Shape>;
}

function reportMissing(error: Error): never {
  throw error;
}

export function useIntl(): IntlShape {
  const shape = useContext(Shape);
  if (!shape) throw new Error('there is no Language above this component');
  return shape;
}

export type Words = (key: TextKey, values?: Record<string, string | number>) => string;

/** The words of the chosen language: `const text = useWords(); text('page.tasks')`. */
export function useWords(): Words {
  const shape = useIntl();
  return useMemo(() => (key, values) => shape.formatMessage({ id: key }, values), [shape]);
}
