/*
 * Characters that show nothing of themselves: controls (a terminal obeys them), separators of lines, what turns the direction of
 * text around, what has no width, halves of pairs. With them a text shows something else than it says, or two texts look the same.
 */

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const codePoint = (character: string): string =>
  (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');

/** A character as people name it: `U+202E`. */
export function nameOfCharacter(character: string): string {
  return `U+${codePoint(character)}`;
}

/** Puts the names of characters that cannot be seen in their place, `ann(U+202E)`: for names that are recorded as they came. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => `(${nameOfCharacter(character)})`);
}

/**
 * Escapes characters that cannot be seen as JSON does, `\u202e`: for what goes to a terminal. A line of JSON means the same
 * afterwards.
 */
export function escapedLine(text: string): string {
  return text.replace(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
