import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import t from 'tap';
import type { AttemptSpec } from './attempt-spec.js';
import { attemptBoots } from './boots.js';
import { runAttempt } from './run-attempt.js';
import { startNodeUnderTest } from './testing/node-under-test.js';
import { posixShells } from './testing/shells.js';

const now = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
const { shells, missing, remove } = await posixShells();
t.teardown(remove);
for (const name of missing) t.pass(`${name} is not installed`, { skip: true });

for (const shell of shells) {
  t.test(`under ${shell.name}: the boot of an attempt, and that of now`, async (t) => {
    const node = await startNodeUnderTest({}, shell);
    t.teardown(() => node.stop());
    const connection = await node.connect();
    const spec: AttemptSpec = {
      key: randomUUID(),
      actions: [{ kind: 'command', text: 'echo restarting', name: 'restart' }],
      restartsNode: true,
    };
    t.same(await attemptBoots(connection, spec.key), { now }, 'none was begun');
    const output: string[] = [];
    const follow = () =>
      runAttempt(connection, spec, { onOutput: ({ data }) => output.push(data.toString()) });
    t.match(await follow(), { kind: 'exited', exitCode: 0 });
    t.equal(output.join(''), 'restarting\n');
    t.same(await attemptBoots(connection, spec.key), { begun: now, now });

    // As if the node had gone down since.
    const journal = node.journalFile(spec.key);
    const earlier = '11111111-2222-3333-4444-555555555555';
    await writeFile(journal, (await readFile(journal, 'utf8')).replace(now, earlier));
    t.same(await attemptBoots(connection, spec.key), { begun: earlier, now });
    t.match(await follow(), { kind: 'exited', exitCode: 0 }, 'its outcome stays');
    await t.rejects(attemptBoots(connection, 'a/b'), { message: /^key: 'a\/b' is not/ });
  });
}
