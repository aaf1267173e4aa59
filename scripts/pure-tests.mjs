// Which test files are pure: nothing that they import can start another process. PostgreSQL, NATS, SSH servers, shells
// and services are all started as processes, so these files need none of them, and run in a second or less.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What starts a process. */
const STARTS = ['node:child_process', 'node:cluster'];

/** What a file imports from where; without what only types are taken from, which is not there at run time. */
function importsOf(source) {
  const found = [];
  for (const [, isType, clause, from] of source.matchAll(
    /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm,
  )) {
    if (isType) continue;
    const inBraces = clause?.match(/\{([^}]*)\}/)?.[1];
    const beside = clause?.replace(/\{[^}]*\}/, '').replaceAll(/[\s,]/g, '');
    const names = inBraces
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => name.split(/\s+as\s+/)[0]);
    if (names?.length === 0 && !beside) continue;
    found.push({ from, names: beside || names === undefined ? undefined : names });
  }
  for (const [, from] of source.matchAll(/\bimport\('([^']+)'\)/g)) found.push({ from, names: undefined });
  return found;
}

/** The source of what a package of the workspace exports under this name; undefined for a library. */
function sourceOfPackage(from, packages) {
  const [scope, name, ...rest] = from.split('/');
  const folder = packages.get(`${scope}/${name}`);
  if (folder === undefined) return undefined;
  const { exports = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const target = exports[rest.length === 0 ? '.' : `./${rest.join('/')}`]?.default;
  return target === undefined ? undefined : sourceOf(join(folder, target));
}

const sourceOf = (compiled) => compiled.replace('/dist/', '/src/').replace(/\.js$/, '.ts');

/**
 * Looks at source files of the workspace.
 * @param packages folders of the workspace's packages by their names.
 */
export class PureTests {
  #sources = new Map();
  #packages;

  constructor(packages) {
    this.#packages = packages;
  }

  /**
   * @returns by which files this one comes to something that starts a process; undefined when it does not: it is pure.
   */
  impurity(file) {
    const seen = new Set();
    const look = (path, names) => {
      for (const { from, names: taken } of this.#importsOf(path)) {
        if (names !== undefined && taken !== undefined && !taken.some((name) => names.has(name))) continue;
        if (STARTS.includes(from)) return [path, from];
        const target = from.startsWith('.')
          ? sourceOf(resolve(dirname(path), from))
          : sourceOfPackage(from, this.#packages);
        if (target === undefined || !existsSync(target)) continue;
        // Of an index only those files count whose names are taken from it.
        const through = isIndex(this.#source(target)) && taken !== undefined ? new Set(taken) : undefined;
        const key = through === undefined ? target : `${target} ${[...through].sort()}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const found = look(target, through);
        if (found !== undefined) return [path, ...found];
      }
      return undefined;
    };
    return look(file, undefined);
  }

  #source(path) {
    if (!this.#sources.has(path)) this.#sources.set(path, readFileSync(path, 'utf8'));
    return this.#sources.get(path);
  }

  #importsOf(path) {
    return importsOf(this.#source(path));
  }
}

/** Whether a file does nothing but pass on what other files export. */
function isIndex(source) {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return code.replaceAll(/^export\s[^;]*?\bfrom\s+'[^']+';/gm, '').trim() === '';
}
