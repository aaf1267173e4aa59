import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Makes a key pair with ssh-keygen. @returns the file of the private key; that of the public one ends with `.pub`. */
export async function keyFile(
  folder: string,
  name: string,
  type: 'ed25519' | 'rsa' | 'ecdsa',
  bits?: number,
): Promise<string> {
  const file = join(folder, name);
  const size = bits === undefined ? [] : ['-b', String(bits)];
  await run('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', 'rigel-test', '-f', file]);
  return file;
}

/** The public key of a file that `keyFile` made, `ssh-ed25519 AAAA…`. */
export async function publicKeyOf(file: string): Promise<string> {
  const text = await readFile(`${file}.pub`, 'utf8');
  return text.trim().split(' ').slice(0, 2).join(' ');
}
