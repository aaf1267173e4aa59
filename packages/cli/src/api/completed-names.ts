import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Kind } from '../command/command.js';
import type { Invocation } from '../command/invocation.js';
import { readConfig } from '../settings/config-file.js';
import { SEARCHES } from './names.js';

/** Names are kept this long: a person presses Tab several times for one command line. */
const KEPT_MS = 30_000;
/** Tab must not make a person wait; without an answer it completes nothing. */
const DEADLINE_MS = 1_500;
/** A name that a shell would take apart, or that could be a flag, is not offered. */
const COMPLETABLE = /^[\p{L}\p{N}_.:/@%+,][\p{L}\p{N}_.:/@%+,-]{0,127}$/u;

interface Kept {
  at: number;
  names: string[];
}

function folderOf(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'rigel');
}

/** The names of things of a kind that begin as typed; empty when the system does not answer. */
export async function completedNames(invocation: Invocation, kind: Kind, typed: string): Promise<string[]> {
  return (await namesOf(invocation, kind)).filter((name) => name.startsWith(typed) && COMPLETABLE.test(name));
}

async function namesOf(invocation: Invocation, kind: Kind): Promise<string[]> {
  const { io, settings } = invocation;
  if (kind === 'context') return Object.keys(readConfig(io.env).contexts).sort();
  const search = SEARCHES[kind];
  if (!search) return [];
  const folder = folderOf(io.env);
  const system = createHash('sha256')
    .update(`${settings.context ?? ''}\n${settings.url}`)
    .digest('hex');
  const file = join(folder, `names-${system.slice(0, 16)}-${kind}.json`);
  const kept = readKept(file);
  if (kept && io.now() - kept.at < KEPT_MS && kept.at <= io.now()) return kept.names;
  const late = io.sleep(DEADLINE_MS).then(() => undefined);
  const found = await Promise.race([search(invocation, '').catch(() => undefined), late]);
  if (!found) return [];
  const names = [...new Set(found.map(({ name }) => name))].sort();
  keep(folder, file, { at: io.now(), names });
  return names;
}

function readKept(file: string): Kept | undefined {
  try {
    const { at, names } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
    if (typeof at !== 'number' || !Array.isArray(names)) return undefined;
    return { at, names: names.filter((name): name is string => typeof name === 'string') };
  } catch {
    return undefined;
  }
}

/** Names are no secret of the system, but none of other users of this machine either. */
function keep(folder: string, file: string, kept: Kept): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify(kept), { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // Without a folder of its own it asks the next time again.
  }
}
