import { useSyncExternalStore } from 'react';

/** What a person chose for this browser. Credentials are never among them. */
export interface Settings {
  theme: 'system' | 'light' | 'dark' | 'contrast';
  density: 'dense' | 'comfortable';
  zone: 'mine' | 'utc';
  /** `pseudo` is English made longer and marked, by which tests find texts that do not fit; it is not offered. */
  language: 'system' | 'en' | 'zh' | 'pseudo';
  /** Whether keys without a modifier act (WCAG 2.1.4). */
  letterKeys: boolean;
}

const KEY = 'rigel-console-settings';

type Choices = { readonly [Name in keyof Settings]: readonly Settings[Name][] };

/** Each setting with the values that are offered, the default first. */
export const CHOICES = {
  theme: ['system', 'light', 'dark', 'contrast'],
  density: ['dense', 'comfortable'],
  zone: ['mine', 'utc'],
  language: ['system', 'en', 'zh'],
  letterKeys: [true, false],
} as const satisfies Choices;

/** Reads kept settings; whatever in them is not one of the choices counts as never chosen. */
export function readSettings(text: string | null): Settings {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '{}');
  } catch {
    kept = {};
  }
  const choose = <Name extends keyof Settings>(
    name: Name,
    choices = (CHOICES as Choices)[name],
  ): Settings[Name] => {
    const value = (kept as Partial<Settings> | null)?.[name];
    return choices.find((choice) => choice === value) ?? (choices[0] as Settings[Name]);
  };
  return {
    theme: choose('theme'),
    density: choose('density'),
    zone: choose('zone'),
    language: choose('language', [...CHOICES.language, 'pseudo']),
    letterKeys: choose('letterKeys'),
  };
}

const listeners = new Set<() => void>();
let current: Settings | undefined;

function kept(): Settings {
  current ??= readSettings(storage()?.getItem(KEY) ?? null);
  return current;
}

/** Absent where the browser refuses it; settings then last until the page is left. */
function storage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** Changes settings, here and in the other tabs of this browser. */
export function changeSettings(change: Partial<Settings>): void {
  current = { ...kept(), ...change };
  try {
    storage()?.setItem(KEY, JSON.stringify(current));
  } catch {
    // Full or refused: the choice still counts for this page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const onStorage = (event: StorageEvent): void => {
    if (event.key !== KEY) return;
    current = readSettings(event.newValue);
    listener();
  };
  listeners.add(listener);
  globalThis.addEventListener('storage', onStorage);
  return () => {
    listeners.delete(listener);
    globalThis.removeEventListener('storage', onStorage);
  };
}

/** The settings in force, for what is no component. */
export const settingsNow = (): Settings => kept();

/** The settings in force; the component is drawn again when they change. */
export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, kept);
}
