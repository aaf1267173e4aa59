import { fileURLToPath } from 'node:url';

/** The committed description of the API. */
export const OPENAPI_FILE = fileURLToPath(new URL('../../../../docs/openapi.json', import.meta.url));

/** Each operation, type and kept answer of the description has a line of its own: a change of one shows as one line. */
const DEPTH = 3;

/** The text of the file for a description. */
export function printed(description: object): string {
  return `${lines(description, DEPTH, '')}\n`;
}

function lines(value: unknown, depth: number, indent: string): string {
  if (depth === 0 || typeof value !== 'object' || value === null || Array.isArray(value))
    return JSON.stringify(value);
  const inner = `${indent} `;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${inner}${JSON.stringify(name)}: ${lines(member, depth - 1, inner)}`);
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}
