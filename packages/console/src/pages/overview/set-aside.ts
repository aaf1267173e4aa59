import { useCallback, useState } from 'react';
import type { Attention } from './answer.js';

const KEY = 'rigel-console-aside';
const MOST = 200;

/** Says the same as long as nothing has changed in it. */
function signatureOf({ kind, id, name, code, since_at, nodes }: Attention): string {
  return [kind, id ?? name, code, since_at ?? '', nodes].join(' ');
}

function kept(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** What a person set aside in this browser. It comes back as soon as it changes. */
export function useSetAside(): { isAside: (item: Attention) => boolean; turn: (item: Attention) => void } {
  const [aside, setAside] = useState(kept);
  const isAside = useCallback((item: Attention) => aside.includes(signatureOf(item)), [aside]);
  const turn = useCallback((item: Attention) => {
    const signature = signatureOf(item);
    setAside((before) => {
      const others = before.filter((one) => one !== signature);
      const after = others.length < before.length ? others : [...others, signature].slice(-MOST);
      try {
        localStorage.setItem(KEY, JSON.stringify(after));
      } catch {
        // Full or refused: it holds until the page is left.
      }
      return after;
    });
  }, []);
  return { isAside, turn };
}
