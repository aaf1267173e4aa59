import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installDebianPackage } from '@rigel/local-servers';
import t from 'tap';
import { type NodeConnection, shellOf } from './node-connection.js';
import { runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { startNodeUnderTest } from './testing/node-under-test.js';
import { findProgram } from './testing/shells.js';

/*
 * What users of real fleets have in the files that a login shell reads before our shell gets anything. Each must either
 * make no difference, or be named.
 */

const isRoot = process.getuid?.() === 0;

async function echoOf(connection: NodeConnection) {
  const said: Buffer[] = [];
  const outcome = await runAttempt(
    connection,
    { key: randomUUID(), actions: [{ kind: 'command', text: 'echo came through', name: 'try' }] },
    { onOutput: ({ data }) => void said.push(data) },
  );
  return { ...outcome, text: Buffer.concat(said).toString() };
}

interface Case {
  title: string;
  shell: string;
  file: string;
  text: string;
}

const harmless: Case[] = [
  { title: 'reads a line', shell: 'bash', file: '.bashrc', text: 'read x\n' },
  {
    title: 'asks five questions',
    shell: 'bash',
    file: '.bashrc',
    text: 'for i in 1 2 3 4 5; do read -p "? " x; done\n',
  },
  {
    title: 'asks more questions than there are spare lines',
    shell: 'bash',
    file: '.bashrc',
    text: 'for i in 1 2 3 4 5 6 7 8 9 10 11; do read x; done\n',
  },
  { title: 'prints', shell: 'bash', file: '.bashrc', text: 'echo Welcome; echo careful >&2\n' },
  { title: 'takes its time', shell: 'bash', file: '.bashrc', text: 'sleep 1\n' },
  { title: 'sets the terminal', shell: 'bash', file: '.bashrc', text: 'stty erase ^H\n' },
  { title: 'reads a line', shell: 'zsh', file: '.zshenv', text: 'read x\n' },
  { title: 'reads a line', shell: 'fish', file: '.config/fish/config.fish', text: 'read x\n' },
];

const stuck: Case[] = [
  { title: 'reads all there is', shell: 'bash', file: '.bashrc', text: 'cat >/dev/null\n' },
  { title: 'never ends', shell: 'bash', file: '.bashrc', text: 'sleep 1000\n' },
  { title: 'starts another kind of shell', shell: 'bash', file: '.bashrc', text: 'exec fish\n' },
  { title: 'reads all there is', shell: 'fish', file: '.config/fish/config.fish', text: 'cat >/dev/null\n' },
];

async function nodeWith(t: Tap, { shell, file, text }: Case) {
  for (const needed of [shell, ...(text.includes('fish') ? ['fish'] : [])]) {
    if ((await findProgram(needed)) === undefined) await installDebianPackage(needed);
  }
  const node = await startNodeUnderTest({ loginShell: (await findProgram(shell)) ?? shell });
  t.teardown(() => node.stop());
  const path = join(node.sshd.home, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return node;
}

type Tap = Pick<typeof t, 'teardown'>;

for (const one of harmless) {
  t.test(
    `${one.file} of ${one.shell} ${one.title}: the command runs`,
    { skip: !isRoot && 'needs root, for an account' },
    async (t) => {
      const node = await nodeWith(t, one);
      const connection = await node.connect();
      const first = { kind: 'exited', exitCode: 0, text: 'came through\n' };
      t.match(await echoOf(connection), first);
      // A session more on the same connection, which is not waited for.
      t.equal(await stopAttempt(connection, 'never-begun'), 'never_started');
      t.match(await echoOf(connection), first);
    },
  );
}

for (const one of stuck) {
  t.test(
    `${one.file} of ${one.shell} ${one.title}: that is said, and nothing was begun`,
    { skip: !isRoot && 'needs root, for an account' },
    async (t) => {
      const node = await nodeWith(t, one);
      const connection = await node.connect();
      shellOf(connection).login.limitMs = 1_500;
      const outcome = await echoOf(connection);
      t.match(outcome, { kind: 'not_started', text: '' });
      t.match(outcome, {
        reason: /did not come to its end in 1.5 s: a command in a login file .*\.bashrc.*config\.fish/,
      });
      t.equal(await node.homeFile('.rigel/attempts'), '', 'nothing of ours is on the node');
      await t.rejects(stopAttempt(connection, 'x'), { message: /did not come to its end in 1.5 s/ });
    },
  );
}
