import type { Labels } from './labels.js';

/*
 * What a form says about labels: those that the chosen nodes have, and those to set. Pure.
 */

/** A value of a key, and how many of the nodes have it. */
export interface PresentValue {
  value: string;
  nodes: number;
}

/** Keys of labels that some of the nodes have, in their order, with the values, the most frequent one first. */
export function presentLabels(nodes: readonly { labels?: Labels }[]): [string, PresentValue[]][] {
  const keys = new Map<string, Map<string, number>>();
  for (const { labels = {} } of nodes) {
    for (const [key, value] of Object.entries(labels)) {
      const values = keys.get(key) ?? new Map<string, number>();
      values.set(value, (values.get(value) ?? 0) + 1);
      keys.set(key, values);
    }
  }
  return [...keys]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, values]) => [
      key,
      [...values].map(([value, count]) => ({ value, nodes: count })).sort((a, b) => b.nodes - a.nodes),
    ]);
}

/**
 * Reads `zone=b, role=web canary`: labels with blanks or commas between them; one without = has no value.
 * @returns the labels, and the first entry that is none or comes twice.
 */
export function labelsIn(typed: string): { set: Record<string, string>; wrong?: string } {
  const set = new Map<string, string>();
  for (const entry of typed.split(/[\s,]+/).filter((word) => word !== '')) {
    const at = entry.indexOf('=');
    const key = at === -1 ? entry : entry.slice(0, at);
    if (key === '' || set.has(key)) return { set: Object.fromEntries(set), wrong: entry };
    set.set(key, at === -1 ? '' : entry.slice(at + 1));
  }
  return { set: Object.fromEntries(set) };
}

/** Labels as they are typed, in the order of their keys: read again they are the same. */
export function typedLabels(labels: Labels = {}): string {
  return Object.entries(labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(' ');
}
