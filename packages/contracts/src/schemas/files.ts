import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMessages } from './messages.js';

/** The folder of the committed descriptions, one file for each message. */
export const SCHEMAS_FOLDER = fileURLToPath(new URL('../../schemas', import.meta.url));

const EXTENSION = '.json';

/** What the files must contain, by their names. */
export function schemaFiles(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(describeMessages()).map(([name, message]) => [`${name}${EXTENSION}`, printed(message)]),
  );
}

/** The files that are there, by their names. */
export function readSchemaFiles(folder = SCHEMAS_FOLDER): Record<string, string> {
  return Object.fromEntries(namesIn(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** Makes the folder contain the descriptions of today's messages and no others. */
export function writeSchemaFiles(folder = SCHEMAS_FOLDER): void {
  const files = schemaFiles();
  for (const name of namesIn(folder)) if (!(name in files)) rmSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(EXTENSION))
    .sort();
}

/** Widest line of a file. */
const WIDTH = 110;

/** JSON with what fits into one line in one line: short enough to read, and a change touches few lines. */
export function printed(value: unknown): string {
  // Through JSON, so that fields that are undefined are absent here as well.
  return `${print(JSON.parse(JSON.stringify(value)), 0)}\n`;
}

function print(value: unknown, depth: number): string {
  const line = onOneLine(value);
  if (typeof value !== 'object' || value === null || depth * 2 + line.length <= WIDTH) return line;
  const inner = '  '.repeat(depth + 1);
  const members = Array.isArray(value)
    ? value.map((member) => print(member, depth + 1))
    : Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${print(member, depth + 1)}`);
  const [opens, closes] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${opens}\n${members.map((member) => inner + member).join(',\n')}\n${'  '.repeat(depth)}${closes}`;
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${onOneLine(member)}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
