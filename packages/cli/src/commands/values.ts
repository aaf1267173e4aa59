import { readFileSync } from 'node:fs';
import { unwrap } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import { readAll } from '../api/pages.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';

/** A value that stands in a file (`@file`) or on standard input (`-`), or is the text itself. */
export async function readValue({ io }: Invocation, text: string): Promise<string> {
  if (text === '-') return io.readInput();
  if (!text.startsWith('@')) return text;
  const path = text.slice(1);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** Addresses of nodes: given ones, those of files or of standard input, or all of a pool. @throws CommandError */
export async function readNodes(
  invocation: Invocation,
  given: readonly string[],
  pool: string | undefined,
): Promise<string[]> {
  if (pool !== undefined && given.length > 0)
    throw new CommandError('--nodes and --pool exclude each other: name the nodes, or the pool');
  if (pool !== undefined) {
    const pool_id = await idOf(invocation, 'pool', pool);
    const rows = await readAll(undefined, (part) =>
      unwrap(invocation.api().GET('/node/list', { params: { query: { ...part, pool_id } } })),
    );
    return rows.map(({ ip }) => ip).filter((ip) => ip !== '');
  }
  if (given.length === 0)
    throw new CommandError('on which nodes? --nodes <address|@file|->, --select <selector> or --pool <pool>');
  const texts = await Promise.all(given.map((text) => readValue(invocation, text)));
  const addresses = texts
    .flatMap((text) => text.split('\n').map((line) => line.replace(/#.*/, '')))
    .flatMap((line) => line.split(/[\s,;]+/))
    .filter((word) => word !== '');
  if (addresses.length === 0) throw new CommandError('--nodes holds no address');
  return [...new Set(addresses)];
}

/** Values of parameters: `name=value`, `name=@file`; `name=secret:db-password` names a secret. @throws CommandError */
export async function readParams(
  invocation: Invocation,
  given: readonly string[],
): Promise<Record<string, unknown>> {
  const params: Record<string, unknown> = {};
  for (const text of given) {
    const at = text.indexOf('=');
    if (at <= 0)
      throw new CommandError(`--param must be name=value (got ${JSON.stringify(text.slice(0, 40))})`);
    const name = text.slice(0, at);
    if (Object.hasOwn(params, name)) throw new CommandError(`--param ${name} is given twice`);
    const value = text.slice(at + 1);
    params[name] = value.startsWith('secret:')
      ? { secret: value.slice('secret:'.length) }
      : await readValue(invocation, value);
  }
  return params;
}
