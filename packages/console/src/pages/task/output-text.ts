/** Lines of output that are shown at once: those at the end say why a command failed. */
export const SHOWN_LINES = 1_000;

/** Colours and other attributes of a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these sequences begin with a control character.
const ATTRIBUTES = /\u001b\[[\d;:]*m/g;
/** All control characters but tabs and ends of lines, and those that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be seen.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Output as a person reads it: without colours, and with a symbol for what else a terminal would carry out. */
export function readableOutput(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(ATTRIBUTES, '')
    .replace(UNSEEN, (character) => {
      const code = character.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? '\u2421' : `‹U+${code.toString(16).toUpperCase().padStart(4, '0')}›`;
    });
}

/** The last lines of a text. @returns also how many lines there are in all. */
export function lastLines(text: string, most = SHOWN_LINES): { shown: string; lines: number } {
  const lines = text.replace(/\n$/, '').split('\n');
  return { shown: lines.slice(-most).join('\n'), lines: lines.length };
}
