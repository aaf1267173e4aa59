/**
 * Makes text that came from elsewhere fit for one line of an error message: no control characters, no double quotes,
 * no backslashes, at most `limit` characters.
 */
export function plainText(text: string, limit = 300): string {
  const line = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .replace(/"/g, "'")
    .replace(/\\/g, '/')
    .trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
