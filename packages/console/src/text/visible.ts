/** Characters that no one sees, and those that turn the direction of the text around; all of them in a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
export const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A sign that stands for an invisible character. */
export function symbolOf(sign: string): string {
  const code = sign.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨${code.toString(16).toUpperCase().padStart(2, '0')}⟩`;
}

/** A text in which everything can be seen: invisible characters are replaced by signs. */
export const visible = (text: string): string => text.replace(INVISIBLE, symbolOf);
