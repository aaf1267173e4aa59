import { plain } from '../output/screen.js';

/** Where something stands. */
export interface Place {
  file: string;
  /** From 1. */
  line: number;
}

/** What is wrong in a file, and where. */
export interface Mistake extends Place {
  /** What it is about: `Pool web: nodes.3`. */
  what: string;
  /** The rule, the value and the way out. */
  message: string;
}

/** More mistakes than this are counted only. */
export const MOST_MISTAKES = 200;

/** A value as a refusal quotes it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** `fleet/pools.yaml:12: Pool web: nodes.3 must be …` */
export const mistakeLine = ({ file, line, what, message }: Mistake): string =>
  plain(`${file}:${line}: ${what}${what === '' ? '' : ' '}${message}`);
