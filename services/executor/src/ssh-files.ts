import { readFile } from 'node:fs/promises';
import {
  type KnownHostsLookup,
  knownHostsFile,
  type PrivateKeyText,
  privateKeyProblem,
} from '@rigel/remote-attempt';
import type { Logger } from 'pino';

/** Lines that a warning names. */
const LINES_NAMED = 10;

/**
 * A private key in a file, with the certificate that ssh-keygen puts beside it (`id_ed25519-cert.pub` for `id_ed25519`), where there
 * is one. Both are read for each connection anew: certificates are renewed often.
 */
export function keyInFile(file: string): () => Promise<PrivateKeyText> {
  return async () => {
    const [key, certificate] = await Promise.all([read(file), readIfThere(`${file}-cert.pub`)]);
    return certificate === undefined ? key : { key, certificate };
  };
}

/** Why the key in a file, or its certificate, cannot be used; undefined when it can. */
export async function keyProblem(file: string): Promise<string | undefined> {
  try {
    return privateKeyProblem(await keyInFile(file)());
  } catch (error) {
    return (error as Error).message;
  }
}

/** The known hosts of a file. Its lines that are not understood are told once. @throws the error of reading it. */
export function knownHostsIn(file: string, log: Logger): KnownHostsLookup {
  const { lookup, wrongLines } = knownHostsFile(file);
  if (wrongLines.length > 0)
    log.warn(
      { file, lines: wrongLines.slice(0, LINES_NAMED), count: wrongLines.length },
      'lines of the known hosts are not understood and do not count',
    );
  return lookup;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(`the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
