/*
 * Reasons of failures without what differs from node to node, so that forty failures for one cause are one. Pure.
 */

/** What is replaced, in this order, and what stands in its place. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, '‹time›'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '‹id›'],
  [/\b\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?\b/g, '‹address›'],
  [/\[?\b[0-9a-f]{1,4}(:[0-9a-f]{0,4}){3,7}\b\]?(:\d{1,5}\b)?/gi, '‹address›'],
  [/\b0x[0-9a-f]+\b/gi, '‹hex›'],
  // A word of hexadecimal digits alone, with a figure in it: "deadbeef" may be a word, "3f9a0c1e" is none.
  [/\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b/gi, '‹hex›'],
];

/** A number after these words says what went wrong: it stays. */
const KEPT = /\b(exit (status|code)|signal|status|error|errno|HTTP)( code)?:? $/i;

/**
 * The reason with `‹n›`, `‹address›`, `‹hex›`, `‹id›` and `‹time›` in the places of numbers, addresses, hexadecimal numbers,
 * UUIDs and times, in paths and names too. The number of an exit status or signal stays, and a figure that belongs to a word
 * (ext4).
 */
export function normalReason(reason: string): string {
  let text = reason;
  for (const [pattern, name] of REPLACED) text = text.replace(pattern, name);
  return text.replace(
    /([A-Za-z]?)(\d+(?:[.,]\d+)*)/g,
    (whole, letter: string, digits: string, at: number, all: string) => {
      if (letter !== '' && digits.length === 1) return whole;
      if (letter === '' && KEPT.test(all.slice(Math.max(0, at - 24), at))) return whole;
      return `${letter}‹n›`;
    },
  );
}

/** A LIKE pattern for the texts that contain this one, in which each `‹…›` stands for any text. */
export function likeReason(text: string): string {
  const literal = text.replace(/[\\%_]/g, '\\$&');
  return `%${literal.replace(/‹[a-z]+›/g, '%')}%`;
}
