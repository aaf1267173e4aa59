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

/** Keys that lead from any page to others: `g` and a letter, and `?` for the list of keys. None changes anything. */
export function useFrameKeys(): void {
  const { letterKeys } = useSettings();
  const [, navigate] = useLocation();
  const pairUntil = useRef(0);
  useEffect(() => {
    if (!letterKeys) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTaken(event)) return;
      const isSecond = event.timeStamp < pairUntil.current;
      pairUntil.current = event.key === 'g' ? event.timeStamp + PAIR_MS : 0;
      const page = event.key === '?' ? 'help' : isSecond ? PAGE_KEYS[event.key] : undefined;
      if (page === undefined) return;
      event.preventDefault();
      navigate(patterns[page]);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [letterKeys, navigate]);
}
