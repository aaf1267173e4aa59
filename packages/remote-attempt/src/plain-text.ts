/**
 * Makes text that came from elsewhere fit for one line of an error message: no control characters and none that turn
 * the direction of writing, no double quotes, no backslashes, at most `limit` characters.
 */
export function plainText(text: string, limit = 300): string {
  const line = text
    .replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(/"/g, "'")
    .replace(/\\/g, '/')
    .trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
