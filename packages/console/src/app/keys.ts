import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { patterns } from './addresses.js';
import { PAGE_KEYS } from './rail.js';
import { useSettings } from './settings.js';

/** The second key of a pair must come within this time, in milliseconds. */
const PAIR_MS = 1_500;

/** Whether a key is meant as text, or for an open dialog, list or menu. */
export function isTaken({ target }: KeyboardEvent): boolean {
  if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="listbox"], [role="menu"]'))
    return true;
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

/** Calls a function for each key that is a command of the page: letters and signs that the person has not turned off. */
export function usePageKeys(onKey: (event: KeyboardEvent) => void): void {
  const { letterKeys } = useSettings();
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    if (!letterKeys) return;
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTaken(event)) return;
      latest.current(event);
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [letterKeys]);
}

/**
 * Keys of any page: `g` and a letter lead to another page, `?` to the list of keys, and `.` opens the menu of actions of
 * what has the focus, or else of the page. None changes anything.
 */
export function useFrameKeys(): void {
  const [, navigate] = useLocation();
  const pairUntil = useRef(0);
  usePageKeys((event) => {
    const isSecond = event.timeStamp < pairUntil.current;
    pairUntil.current = event.key === 'g' ? event.timeStamp + PAIR_MS : 0;
    if (event.key === '.') {
      const menu = menuNear(event.target);
      menu?.focus();
      // As by the arrow key, which leads to the first action; a click would leave the focus on the list.
      menu?.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true, cancelable: true }),
      );
      return;
    }
    const page = event.key === '?' ? 'help' : isSecond ? PAGE_KEYS[event.key] : undefined;
    if (page === undefined) return;
    event.preventDefault();
    navigate(patterns[page]);
  });
}

/** The button of the menu that is nearest to an element: in the smallest part of the page that has one. */
function menuNear(target: EventTarget | null): HTMLElement | undefined {
  for (let part = target instanceof Element ? target : null; part !== null; part = part.parentElement) {
    const menu = part.querySelector<HTMLElement>('button[data-actions]');
    if (menu !== null) return menu;
  }
  return undefined;
}
