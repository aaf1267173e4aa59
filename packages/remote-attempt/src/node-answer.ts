/*
 * The executor does not trust a node's answers: each word has to be one of a few known ones, a number in its range, or
 * a text that was made plain. Any other answer ends only the attempt that it is about.
 */

import { plainText } from './plain-text.js';

/** The largest size of a file on a node, in bytes: far more than any disk, and small enough for exact arithmetic. */
const MOST_BYTES = 2 ** 50;

/** The node's answer makes no sense. The message has its text. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';

  constructor(answer: string) {
    super(`the node's answer is not understood: ${plainText(answer)}`);
  }
}

/** A whole number from 0 to `most`, in decimal digits only; undefined if the word is not one. */
export function wholeNumber(word: string | undefined, most: number): number | undefined {
  if (word === undefined || !/^\d{1,16}$/.test(word)) return undefined;
  const value = Number(word);
  return value <= most ? value : undefined;
}

/** An offset in a file, or its length. @throws WrongAnswer naming the answer. */
export function byteCount(word: string | undefined, answer: string): number {
  const bytes = wholeNumber(word, MOST_BYTES);
  if (bytes === undefined) throw new WrongAnswer(answer);
  return bytes;
}

/** Whether a word has the form of a boot id, as Linux and other systems have them. */
export function isBootId(word: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(word);
}
