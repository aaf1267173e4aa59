import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readSchemaFiles, SCHEMAS_FOLDER } from '@rigel/contracts/schemas';
import { REPOSITORY_DIR } from '@rigel/local';
import type { ApiDescription } from './http-compatibility.js';
import type { Messages } from './nats-compatibility.js';

/*
 * What each release promised: the description of its HTTP API and of its NATS messages, one file for each release, in one line
 * each.
 */

const API_FILE = join(REPOSITORY_DIR, 'docs', 'openapi.json');
const KEPT_API_FOLDER = join(REPOSITORY_DIR, 'docs', 'openapi');
const KEPT_MESSAGES_FOLDER = join(SCHEMAS_FOLDER, 'releases');

/** The description of the HTTP API as committed; a test of the gateway compares it with the code. */
export const currentApi = (): ApiDescription => readJson(API_FILE) as ApiDescription;

/** The messages as committed; a test of the contracts compares them with the code. */
export function currentMessages(): Messages {
  const files = Object.entries(readSchemaFiles());
  return Object.fromEntries(files.map(([name, text]) => [name.replace(/\.json$/, ''), JSON.parse(text)]));
}

/** The HTTP API of each kept release, oldest first. */
export const keptApis = (): [release: string, ApiDescription][] => kept<ApiDescription>(KEPT_API_FOLDER);

/** The NATS messages of each kept release, oldest first. */
export const keptMessages = (): [release: string, Messages][] => kept<Messages>(KEPT_MESSAGES_FOLDER);

/** Keeps what is committed as that of a release. @returns the files that were written. */
export function keepContracts(release: string): string[] {
  const files: [string, unknown][] = [
    [join(KEPT_API_FOLDER, `${release}.json`), currentApi()],
    [join(KEPT_MESSAGES_FOLDER, `${release}.json`), currentMessages()],
  ];
  for (const [file, content] of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(content)}\n`);
  }
  return files.map(([file]) => file);
}

function kept<Content>(folder: string): [release: string, Content][] {
  if (!existsSync(folder)) return [];
  const releases = readdirSync(folder).map((name) => name.replace(/\.json$/, ''));
  return releases
    .sort(byVersion)
    .map((release) => [release, readJson(join(folder, `${release}.json`)) as Content]);
}

/** Order of versions: 0.9.0 before 0.10.0. */
function byVersion(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
