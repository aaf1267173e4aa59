/*
 * What a node says is not believed: each word of an answer is one of a known few, or a number in its range, or a text that was
 * made plain. An answer that is none of this stops nobody but the attempt that it is about.
 */

import { plainText } from './plain-text.js';

/** No file on a node is longer, in bytes: far more than any disk, and little enough to count on from there. */
const MOST_BYTES = 2 ** 50;

/** What the node answered means nothing. The message says what it was. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';

  constructor(answer: string) {
    super(`the node's answer is not understood: ${plainText(answer)}`);
  }
}

/** A whole number from 0 up to `most`, in decimal digits and nothing else; undefined when the word is none. */
export function wholeNumber(word: string | undefined, most: number): number | undefined {
  if (word === undefined || !/^\d{1,16}$/.test(word)) return undefined;
  const value = Number(word);
  return value <= most ? value : undefined;
}

/** A place in a file, or its length. @throws WrongAnswer naming the answer. */
export function byteCount(word: string | undefined, answer: string): number {
  const bytes = wholeNumber(word, MOST_BYTES);
  if (bytes === undefined) throw new WrongAnswer(answer);
  return bytes;
}

/** Ids that Linux and others give a boot. */
export function isBootId(word: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(word);
}
