import { useSyncExternalStore } from 'react';
import { sendOperator } from '../api/api.js';

/** The name that a person gave this browser while access is off. It is no credential. */
const KEY = 'rigel-console-operator';

/** What a header can carry; a scheme of credentials is no name. */
const NAME = /^(?!(bearer|basic|digest) )[\x21-\x7e]([\x20-\x7e]{0,48}[\x21-\x7e])?$/i;

export function isOperatorName(name: string): boolean {
  return NAME.test(name);
}

const listeners = new Set<() => void>();
let current: string | undefined;

function kept(): string {
  if (current === undefined) {
    let text: string | null = null;
    try {
      text = localStorage.getItem(KEY);
    } catch {
      // The browser keeps nothing: the name lasts until the page is left.
    }
    current = text !== null && isOperatorName(text) ? text : '';
  }
  return current;
}

/** Keeps the name in this browser. */
export function setOperatorName(name: string): void {
  current = name;
  sendOperator(name);
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Full or refused: the name still counts for this page.
  }
  for (const listener of listeners) listener();
}

export function useOperatorName(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, kept);
}

/** Begins or stops to send the name: with access on, the session says who it is. */
export function useNameFor(access: 'on' | 'off'): void {
  sendOperator(access === 'off' ? kept() : '');
}
