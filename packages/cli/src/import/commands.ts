import { readFileSync } from 'node:fs';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { prepareFolder, writeFiles } from '../files/commands.js';
import { shown } from '../files/mistakes.js';
import { inOrder, type Thing } from '../files/present.js';
import { dataOf, filesOf, yamlOf } from '../files/write.js';
import { plain } from '../output/screen.js';
import { type Imported, poolsOf } from './pools.js';
import { readInventory } from './read-inventory.js';
import { poolOfSshConfig } from './ssh-config.js';

interface Flags {
  service: string | undefined;
  folder: string | undefined;
  replace: boolean;
}

async function textOf({ io }: Invocation, path: string): Promise<string> {
  if (path === '-') return io.readInput();
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** Writes the groups of an inventory as pools. */
export async function importAnsible(
  invocation: Invocation,
  path: string,
  flags: Flags & { pools: string | undefined },
): Promise<void> {
  const inventory = readInventory(await textOf(invocation, path), path);
  const wanted = flags.pools === undefined ? [] : flags.pools.split(',').map((name) => name.trim());
  write(invocation, poolsOf(inventory, wanted), path, flags);
}

/** Writes the hosts of a configuration of ssh as one pool. */
export async function importSsh(
  invocation: Invocation,
  path: string,
  flags: Flags & { pool: string | undefined },
): Promise<void> {
  write(invocation, poolOfSshConfig(await textOf(invocation, path), flags.pool ?? 'ssh'), path, flags);
}

const NEW = { id: 0, version: 0, set: '', by: '' };
/** The cluster and the service of pools whose service is not named. */
const IMPORTED = 'imported';

function write(invocation: Invocation, { pools, notes }: Imported, path: string, flags: Flags): void {
  const { io, note } = invocation;
  for (const text of notes) note(`! ${plain(text)}`);
  if (pools.size === 0) throw new CommandError(`${path} has no host that can be a node`);
  const wrong = [...pools.keys()].find((name) => name.trim() !== name || [...name].length > 50);
  if (wrong !== undefined)
    throw new CommandError(
      `${shown(wrong)} is no name of a pool: 1 to 50 characters without blanks around it; --pools names other groups`,
    );
  const service = flags.service ?? IMPORTED;
  const things: Thing[] = [...pools].map(([name, nodes]) => ({
    ...NEW,
    kind: 'Pool',
    name,
    fields: {
      desc: '',
      service,
      vm_type: 0,
      sd: 0,
      nodes: [...nodes].sort((a, b) => (a.address < b.address ? -1 : 1)),
    },
  }));
  if (flags.service === undefined)
    things.push(
      { ...NEW, kind: 'Cluster', name: IMPORTED, fields: { desc: '', biz: '' } },
      {
        ...NEW,
        kind: 'Service',
        name: IMPORTED,
        fields: { desc: '', cluster: IMPORTED, type: '', image: '-' },
      },
    );
  const ordered = inOrder(things);
  if (flags.folder === undefined)
    for (const [at, thing] of ordered.entries()) io.out(`${at === 0 ? '' : '---\n'}${yamlOf(dataOf(thing))}`);
  else {
    prepareFolder(flags.folder, flags.replace);
    writeFiles(flags.folder, filesOf(ordered));
  }
  const nodes = [...pools.values()].reduce((sum, { length }) => sum + length, 0);
  note(
    `${pools.size} pools with ${nodes} nodes${flags.folder === undefined ? '' : ` are in ${plain(flags.folder)}`}; rigel plan -f shows what they would change`,
  );
}
