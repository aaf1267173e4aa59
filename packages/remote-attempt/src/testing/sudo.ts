import { randomUUID } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { installDebianPackage } from '@rigel/local-servers';

/** Whether accounts of this machine may be given the right to use sudo: root on Debian can. */
export const canAllowSudo = process.getuid?.() === 0;

/**
 * Lets an account run everything as root, without a password, until the returned function is called.
 * @param defaults options of sudoers for it, `use_pty` say.
 */
export async function allowSudo(user: string, defaults?: string): Promise<() => void> {
  await installDebianPackage('sudo');
  // sudo ignores names with a dot.
  const file = `/etc/sudoers.d/rigel-test-${randomUUID()}`;
  const lines = [
    ...(defaults === undefined ? [] : [`Defaults:${user} ${defaults}`]),
    `${user} ALL=(root) NOPASSWD: ALL`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o440 });
  chmodSync(file, 0o440);
  const remove = (): void => rmSync(file, { force: true });
  // For a test that ends before it can clean up.
  process.once('exit', remove);
  return () => {
    process.off('exit', remove);
    remove();
  };
}
