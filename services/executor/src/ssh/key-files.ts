import { open, readFile } from 'node:fs/promises';
import {
  type AlgorithmSet,
  CLOSE_KEY_FILE,
  type KnownHostsLookup,
  knownHostsFile,
  LEGACY_HINT,
  type PrivateKeyText,
  privateKeyProblem,
  publicKeyOf,
  readableByOthers,
  weakKeyProblem,
} from '@rigel/remote-attempt';
import type { Logger } from 'pino';

/** Which other users may read a file with a private key: none, or any. */
export type KeyPermissions = 'strict' | 'any';

/** Most lines that a warning names. */
const LINES_NAMED = 10;

/**
 * A private key in a file, with the certificate that ssh-keygen puts beside it (`id_ed25519-cert.pub` for
 * `id_ed25519`), if there is one. Each connection reads both again, because certificates are renewed often.
 */
export function keyInFile(
  file: string,
  permissions: KeyPermissions = 'strict',
): () => Promise<PrivateKeyText> {
  return async () => {
    const [key, certificate] = await Promise.all([
      readKey(file, permissions),
      readIfThere(`${file}-cert.pub`),
    ]);
    return certificate === undefined ? key : { key, certificate };
  };
}

/** Why the key in a file, or its certificate, cannot be used; undefined when it can. */
export async function keyProblem(
  file: string,
  permissions: KeyPermissions = 'strict',
  algorithms: AlgorithmSet = 'modern',
): Promise<string | undefined> {
  try {
    return problemWithKey(await keyInFile(file, permissions)(), algorithms);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why a key cannot be used; undefined when it can. */
export function problemWithKey(
  text: PrivateKeyText,
  algorithms: AlgorithmSet = 'modern',
): string | undefined {
  const problem = privateKeyProblem(text);
  if (problem !== undefined || algorithms === 'legacy') return problem;
  const weak = weakKeyProblem(publicKeyOf(text));
  return weak === undefined ? undefined : `it is ${weak}; ${LEGACY_HINT}`;
}

/** The known hosts in a file. One warning names the lines that make no sense. @throws the error of reading the file. */
export function knownHostsIn(file: string, log: Logger): KnownHostsLookup {
  const { lookup, wrongLines } = knownHostsFile(file);
  if (wrongLines.length > 0)
    log.warn(
      { file, lines: wrongLines.slice(0, LINES_NAMED), count: wrongLines.length },
      'the executor does not understand some lines of the known hosts and ignores them',
    );
  return lookup;
}

async function readKey(file: string, permissions: KeyPermissions): Promise<Buffer> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    handle = await open(file);
    // The permissions of the open file, not of another file that has taken its place.
    const problem = permissions === 'any' ? undefined : readableByOthers(await handle.stat());
    if (problem !== undefined)
      throw new Error(`others may read the file ${file} (${problem}): ${CLOSE_KEY_FILE}`);
    return await handle.readFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new Error(`the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  } finally {
    await handle?.close();
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
