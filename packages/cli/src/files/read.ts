import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { plainLines } from '@rigel/command-template';
import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type Document as Yaml,
} from 'yaml';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { checkValue } from './check.js';
import { type Document, documentOf, keyOf } from './documents.js';
import { type Mistake, shown } from './mistakes.js';
import { checkDocument } from './rules.js';
import { KINDS, type Kind, SCHEMAS } from './schema.js';
import type { Written } from './written.js';

/** Bytes of all files together. */
const MOST_BYTES = 128 * 1_048_576;
const MOST_FILES = 50_000;
/** Bytes of one script. */
const MOST_SCRIPT_BYTES = 1_048_576;
/** `-` reads standard input. */
export const STANDARD_INPUT = '-';

/** What a path holds: its documents, and what is wrong in them. */
export interface Fleet {
  documents: Document[];
  mistakes: Mistake[];
}

interface Source {
  /** As people see it: from the working directory on. */
  shown: string;
  text: string;
  /** The script of a document; @throws Error */
  script(path: string): string;
}

/**
 * Reads a folder with all its YAML and JSON files, one file, or standard input (`-`), and checks each document.
 * @throws CommandError if the path cannot be read, or holds no document.
 */
export async function readFleet({ io }: Invocation, path: string): Promise<Fleet> {
  const sources = path === STANDARD_INPUT ? [standardInput(await io.readInput())] : sourcesAt(path);
  const fleet: Fleet = { documents: [], mistakes: [] };
  for (const source of sources) readSource(source, fleet);
  checkNames(fleet);
  if (fleet.documents.length === 0 && fleet.mistakes.length === 0)
    throw new CommandError(`${path} holds no document: each begins with "rigel: v1" and "kind:"`);
  fleet.mistakes.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  return fleet;
}

function standardInput(text: string): Source {
  return {
    shown: '<standard input>',
    text,
    script: () => {
      throw new Error('a script of its own file cannot be read from standard input: write script: |');
    },
  };
}

const fails = (path: string, error: unknown): CommandError =>
  new CommandError(`${path} cannot be read: ${(error as Error).message}`);

function sourcesAt(path: string): Source[] {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw fails(path, error);
  }
  const root = realpathSync(isFolder ? path : dirname(path));
  const files = isFolder ? filesIn(path) : [path];
  let bytes = 0;
  return files.map((file) => {
    let text: string;
    try {
      bytes += statSync(file).size;
      if (bytes > MOST_BYTES) throw new Error(`all files together have more than ${MOST_BYTES} bytes`);
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw fails(file, error);
    }
    // As the path was given: people click on it.
    return { shown: file, text, script: (name) => readScript(root, file, name) };
  });
}

const IS_DOCUMENT = /\.(ya?ml|json)$/i;

/** All files with documents, in the order of their names. Links to folders are not followed. */
function filesIn(folder: string): string[] {
  const found: string[] = [];
  const walk = (at: string): void => {
    const names = readdirSync(at).sort();
    for (const name of names) {
      if (name.startsWith('.') || name === 'node_modules') continue;
      const path = join(at, name);
      const entry = lstatSync(path);
      if (entry.isDirectory()) walk(path);
      else if (IS_DOCUMENT.test(name) && (entry.isFile() || statSync(path).isFile())) found.push(path);
      if (found.length > MOST_FILES)
        throw new CommandError(`${folder} has more than ${MOST_FILES} files with documents`);
    }
  };
  try {
    walk(folder);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw fails(folder, error);
  }
  return found;
}

/** @throws Error that says why it cannot be read; a script is never taken from outside of the folder. */
function readScript(root: string, file: string, name: string): string {
  const path = resolve(dirname(file), name);
  const real = realpathSync(path);
  if (real !== join(root, relative(root, real)) || relative(root, real).split(sep)[0] === '..')
    throw new Error(`${basename(path)} is outside of the folder`);
  const { size } = statSync(real);
  if (size > MOST_SCRIPT_BYTES) throw new Error(`it has ${size} bytes, more than ${MOST_SCRIPT_BYTES}`);
  return readFileSync(real, 'utf8');
}

/** One source while its documents are read. */
interface Reading {
  source: Source;
  fleet: Fleet;
  lineAt(offset: number): number;
}

function readSource(source: Source, fleet: Fleet): void {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(plainLines(source.text), {
    lineCounter: lines,
    version: '1.2',
    prettyErrors: false,
  });
  if (!Array.isArray(parsed)) return;
  const reading: Reading = { source, fleet, lineAt: (offset) => lines.linePos(offset).line };
  for (const document of parsed as Yaml.Parsed[]) readDocument(document, reading);
}

const offsetOf = (node: Node | null | undefined, root: Node): number =>
  node?.range?.[0] ?? root.range?.[0] ?? 0;

function readDocument(yaml: Yaml.Parsed, { source, fleet, lineAt }: Reading): undefined {
  let mistakes = 0;
  const mistake = (line: number, what: string, message: string): undefined => {
    mistakes++;
    fleet.mistakes.push({ file: source.shown, line, what, message });
  };
  for (const { pos, message } of [...yaml.errors, ...yaml.warnings]) mistake(lineAt(pos[0]), '', message);
  const root = yaml.contents as Node | null;
  // An empty document: what stands between two lines of dashes, or comments alone.
  if (mistakes > 0 || root === null || (isScalar(root) && root.value === null)) return;
  const line = lineAt(offsetOf(root, root));
  if (!isMap(root)) return mistake(line, '', 'a document must be names with values');
  visit(root, (_, node) => {
    if (!isAlias(node)) return undefined;
    mistake(
      lineAt(offsetOf(node, root)),
      '',
      `*${node.source} is an alias, and aliases are not read: write it out`,
    );
    return visit.BREAK;
  });
  if (mistakes > 0) return;
  const kind = KINDS.find((known) => known === root.get('kind'));
  if (kind === undefined) {
    const at = root.get('kind', true) as Node | undefined;
    const got = at === undefined ? 'it has none' : `got ${shown(root.get('kind'))}`;
    return mistake(lineAt(offsetOf(at, root)), '', `kind must be one of ${KINDS.join(', ')} (${got})`);
  }
  const data = yaml.toJS() as Record<string, unknown>;
  const title = titleOf(kind, data);
  checkValue(root, SCHEMAS[kind], '', (at, path, message) =>
    mistake(lineAt(offsetOf(at, root)), title, path === '' ? message : `${path} ${message}`),
  );
  if (mistakes > 0) return;
  const written: Written = {
    kind,
    data,
    report: (path, message, lineOfText = 0) => {
      const { offset, isBlock } = placeOf(root, path);
      mistake(lineAt(offset) + (isBlock ? lineOfText : 0), title, `${path} ${message}`);
    },
    script: source.script,
    place: { file: source.shown, line },
    lineOf: (path) => lineAt(placeOf(root, path).offset),
  };
  const document = documentOf(written);
  if (mistakes === 0) checkDocument(document, written);
  if (mistakes === 0) fleet.documents.push(document);
}

/** Where the value at a path stands, or the nearest part of the path that is there. */
function placeOf(root: Node, path: string): { offset: number; isBlock: boolean } {
  let node: unknown = root;
  for (const part of path.split('.')) {
    const next = (node as { get?: (key: unknown, keep: true) => unknown }).get?.(
      /^\d+$/.test(part) ? Number(part) : part,
      true,
    );
    if (next === undefined || next === null) break;
    node = next;
  }
  const { range, type } = node as { range?: [number, number, number]; type?: string };
  // The text of a block begins on the line after its mark.
  return { offset: range?.[0] ?? 0, isBlock: type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED' };
}

/** `Pool web`, as mistakes name a document. */
function titleOf(kind: Kind, data: Record<string, unknown>): string {
  const name = kind === 'Schedule' ? `${String(data.pool ?? '')} ${String(data.type ?? '')}` : data.name;
  return typeof name === 'string' ? `${kind} ${name}:` : `${kind}:`;
}

/** Each thing is written once. */
function checkNames({ documents, mistakes }: Fleet): void {
  const seen = new Map<string, Document>();
  for (const document of documents) {
    const first = seen.get(keyOf(document));
    if (first)
      mistakes.push({
        ...document.place,
        what: `${document.kind} ${document.name}:`,
        message: `is written twice: it stands in ${first.place.file}:${first.place.line} too; delete one of them`,
      });
    else seen.set(keyOf(document), document);
  }
}
