/*
 * Characters that cannot be seen: controls (a terminal obeys them), line separators, direction marks, characters
 * without width, halves of surrogate pairs. With them a text can look different from its content, or two texts can look
 * the same.
 */

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const codePoint = (character: string): string =>
  (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');

/** The usual name of a character: `U+202E`. */
export function nameOfCharacter(character: string): string {
  return `U+${codePoint(character)}`;
}

/** Replaces invisible characters by their names, `ann(U+202E)`: for names that are recorded as received. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => `(${nameOfCharacter(character)})`);
}

/**
 * Escapes invisible characters as JSON does, `\u202e`: for output to a terminal. A line of JSON keeps its meaning.
 */
export function escapedLine(text: string): string {
  return text.replace(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
