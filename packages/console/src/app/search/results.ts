import type { components } from '@rigel/api-client';
import { to } from '../addresses.js';

export type Found = components['schemas']['Found'];

/** Something that the search leads to. */
export interface Result {
  kind: Found['kind'] | 'page' | 'request' | 'do';
  /** Unique among the results. */
  key: string;
  name: string;
  detail: string;
  address: string;
}

const ADDRESSES: Readonly<Record<Found['kind'], (found: Found) => string>> = {
  task: ({ id }) => to.task(id),
  node: ({ id }) => to.node(id),
  pool: ({ id }) => to.pool(id),
  service: ({ id }) => to.fleet({ service: id }),
  cluster: ({ id }) => to.fleet({ cluster: id }),
  template: ({ id }) => to.template(id),
  action: ({ id }) => to.action(id),
  step: ({ id }) => to.catalog({ tab: 'steps', step: id }),
};

export function resultOf(found: Found): Result {
  const { kind, id, name, detail } = found;
  return {
    kind,
    key: `${kind}-${id}`,
    name: `${name || id}`,
    detail: `#${id}${detail && ` · ${detail}`}`,
    address: ADDRESSES[kind](found),
  };
}

/** A correlation id, as answers and logs name it. */
export const isCorrelationId = (text: string): boolean =>
  /^[\da-f]{8}-[\da-f-]{27}$|^[\w-]{16,64}$/i.test(text) && /\d/.test(text);

const KEY = 'rigel-console-recent';
const MOST = 8;

/** What was opened from the search lately, in this browser. */
export function recentResults(): Result[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isResult).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function rememberResult(result: Result): void {
  try {
    const others = recentResults().filter(({ key }) => key !== result.key);
    localStorage.setItem(KEY, JSON.stringify([result, ...others].slice(0, MOST)));
  } catch {
    // Full or refused: the search works without it.
  }
}

function isResult(value: unknown): value is Result {
  const { kind, key, name, detail, address } = (value ?? {}) as Partial<Result>;
  const texts = [kind, key, name, detail, address].every((text) => typeof text === 'string');
  return texts && /^\/[\w/?=&-]*$/.test(address ?? '');
}
