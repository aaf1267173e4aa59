import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runAttempt } from './run-attempt.js';
import { stopAttempt } from './stop-attempt.js';
import { type NodeUnderTest, startNodeUnderTest, until } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const SECRET = 'correct-horse-battery';

/** Files below the node's home that hold the secret. */
async function filesWithSecret(node: NodeUnderTest): Promise<string[]> {
  const folder = join(node.sshd.home, '.rigel/attempts');
  const found: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.includes(SECRET)) found.push(name);
  }
  return found;
}

/** Command lines and environments on this machine that hold the secret, looked at until `done`. */
async function seenInProc(what: 'cmdline' | 'environ', done: () => boolean): Promise<string[]> {
  const seen = new Set<string>();
  while (!done()) {
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid) || pid === String(process.pid)) continue;
      const text = await readFile(`/proc/${pid}/${what}`, 'latin1').catch(() => '');
      if (text.includes(SECRET)) seen.add(text);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return [...seen];
}

t.test('a confidential action', async (t) => {
  const { shells, missing, remove } = await posixShells();
  t.teardown(remove);
  if (missing.length > 0) t.comment(`not installed: ${missing.join(', ')}`);
  for (const shell of shells) {
    await t.test(`in ${shell.name}`, async (t) => {
      const node = await startNodeUnderTest({}, shell);
      t.teardown(() => node.stop());
      const connection = await node.connect();
      const run = async (
        key: string,
        texts: string[],
        options: { kind?: 'script'; output?: Buffer[] } = {},
      ) =>
        runAttempt(
          connection,
          {
            key,
            actions: texts.map((text, index) => ({
              kind: options.kind ?? 'command',
              name: `a${index}`,
              text,
              confidential: true,
            })),
          },
          { onOutput: ({ data }) => options.output?.push(data) },
        );

      await t.test('runs with its file gone, and the lines of its text have their numbers', async (t) => {
        const output: Buffer[] = [];
        const text = `value='${SECRET}'\nls -l "$HOME/.rigel/attempts"\nprintf '<%s>' "$value"\n`;
        t.match(await run('one', [text, 'umask'], { output }), {
          kind: 'exited',
          exitCode: 0,
          actionIndex: 1,
        });
        const said = Buffer.concat(output).toString();
        t.match(said, `<${SECRET}>`);
        t.notMatch(said, 'one.private-0', 'the running one');
        t.match(said, /-rw------- .* one.private-1/, 'the next one is for its owner alone');
        t.match(said, /0022\n$/, 'the command has the umask of the login');
        t.same(await filesWithSecret(node), ['one.output']);
      });

      await t.test('a script with an interpreter', async (t) => {
        const output: Buffer[] = [];
        const text = `#!/bin/sh\nvalue='${SECRET}'; ls "$HOME/.rigel/attempts"; nonsense-on-line-2\nexit 3\n`;
        t.match(await run('two', [text], { kind: 'script', output }), { kind: 'exited', exitCode: 3 });
        const said = Buffer.concat(output).toString();
        t.notMatch(said, /^two.private/m);
        t.match(said, /private-0: (line )?2: /, 'the number of the line');
        t.same(
          (await filesWithSecret(node)).filter((name) => name.startsWith('two')),
          [],
        );
      });

      await t.test('one that is never reached, since the first fails, leaves nothing', async (t) => {
        t.match(await run('three', ['exit 4', `echo '${SECRET}'`]), { kind: 'exited', exitCode: 4 });
        t.same(
          (await filesWithSecret(node)).filter((name) => name.startsWith('three')),
          [],
        );
      });

      await t.test('stopped before the second begins, nothing is left', async (t) => {
        const ended = run('four', ['sleep 60.25', `echo '${SECRET}'`]);
        const file = join(node.sshd.home, '.rigel/attempts/four.private-1');
        await until('the file is there', () =>
          stat(file).then(
            () => true,
            () => false,
          ),
        );
        t.equal((await stat(file)).mode & 0o777, 0o600);
        await stopAttempt(await node.connect(), 'four', { graceMs: 0 });
        t.match(await ended, { kind: 'stopped' });
        t.same(
          (await filesWithSecret(node)).filter((name) => name.startsWith('four')),
          [],
        );
      });

      await t.test('no process list and no environment shows it', async (t) => {
        let done = false;
        const looking = Promise.all([seenInProc('cmdline', () => done), seenInProc('environ', () => done)]);
        for (let round = 0; round < 10; round++) {
          await run(`list-${round}`, [`value='${SECRET}'; sleep 0.05; printf %s "$value" >/dev/null`]);
        }
        done = true;
        t.same(await looking, [[], []]);
      });
    });
  }
});
