import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountSmallDisk, startSshd } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { commandsAlive } from '../support/processes.js';
import { startRig } from '../support/rig.js';

const isRoot = process.getuid?.() === 0;
/** A command that no other test on this machine runs. */
const LONG = `sleep 605.${process.pid}`;

t.test('a node whose disk is full', { skip: !isRoot && 'needs root, for a small disk' }, async (t) => {
  // A user that no other test has, and so a folder in memory that is this test's alone.
  const node = await startSshd({ loginShell: '/bin/dash' });
  t.teardown(() => node.stop());
  const rig = await startRig({
    apart: true,
    executors: 2,
    env: { executor: { RIGEL_SSH_USER: node.user, RIGEL_SSH_KEY_FILE: node.keyFiles.privateKey } },
  });
  t.teardown(() => rig.stop());
  const { api, fleet, stack } = rig;
  const disk = await mountSmallDisk(node.home);
  t.teardown(() => disk.unmount());
  const ip = `127.0.0.1:${node.port}`;
  await fleet.pool([ip]);
  const memory = `/dev/shm/rigel-${node.user}`;
  const message = `it runs from the node's memory (${memory}), because the home folder there is full: ~/.rigel/attempts`;
  /** Removes what tasks have left in memory, as a restart does. */
  const wipe = (): Promise<void> => rm(memory, { recursive: true, force: true });
  t.teardown(wipe);
  const mark = join('/dev/shm', `rigel-test-${randomUUID()}`);
  for (const file of [mark, `${mark}-end`, `${mark}-again`]) t.teardown(() => rm(file, { force: true }));
  const ran = async (): Promise<string> => readFile(mark, 'utf8').catch(() => '');

  await t.test('can still be given a command, and says so; then it goes on at home', async (t) => {
    await disk.fill();
    const template = await fleet.template({
      tidy: { command: 'rm filling' },
      next: { command: 'echo home' },
    });
    const id = await fleet.startTask(template, [ip]);
    t.match(await fleet.ended(id), { state: 2, end_reason: 'completed' });
    const [run] = await api.detail(id);
    t.match(run?.steps.list[0]?.message, message);
    t.equal(run?.steps.list[1]?.message, '');
    t.ok((await api.log(id)).some((line) => line.message.includes(` attempt 1: ${message}`)));
  });

  await t.test('executors killed while it runs from memory: it is found there, and ran once', async (t) => {
    await disk.takeInodes();
    const command = `echo ran >> ${mark}; until [ -e ${mark}-end ]; do sleep 0.1; done; rm inode-*`;
    const template = await fleet.template({ long: { command } });
    const id = await fleet.startTask(template, [ip]);
    await waitFor(async () => (await ran()) === 'ran\n', { what: 'the command runs' });
    const answer = await api.fetch(`${api.url}/task/${id}/why`);
    const { data: why } = (await answer.json()) as { data: { text: string; chain: { code: string }[] } };
    t.match(why.text, message);
    t.ok(why.chain.some(({ code }) => code === 'node_full'));
    stack.kill('executor-1', 'SIGKILL');
    stack.kill('executor-2', 'SIGKILL');
    await waitFor(async () => (await api.log(id)).some((line) => /taken over by/.test(line.message)), {
      what: 'another executor has it',
      timeoutMs: 60_000,
    });
    await writeFile(`${mark}-end`, '');
    t.match(await fleet.ended(id, 60_000), { state: 2, end_reason: 'completed' });
    t.equal(await ran(), 'ran\n');
  });

  await wipe();
  await t.test('the node restarts while nobody watches: unknown, and it is not begun again', async (t) => {
    await disk.fill();
    const command = `echo $$ >> ${mark}-again; exec ${LONG}`;
    const template = await fleet.template({ long: { command } });
    const id = await fleet.startTask(template, [ip]);
    await waitFor(() => commandsAlive(LONG) === 1, { what: 'the command runs' });
    stack.kill('executor-1', 'SIGKILL');
    stack.kill('executor-2', 'SIGKILL');
    // What a restart leaves: no process, no memory; and there is room at home.
    const [journal = ''] = (await readdir(memory)).filter((name) => name.endsWith('.journal'));
    const runner = /^run \S+ (\d+) /m.exec(await readFile(join(memory, journal), 'utf8'))?.[1];
    process.kill(Number(runner), 'SIGKILL');
    process.kill(Number(await readFile(`${mark}-again`, 'utf8')), 'SIGKILL');
    await wipe();
    await disk.free();
    t.match(await fleet.ended(id, 60_000), { state: 3, end_reason: 'failed' });
    t.match(await readFile(`${mark}-again`, 'utf8'), /^\d+\n$/, 'it ran once');
    const [node] = await api.detail(id);
    t.match(
      node?.steps.list[0]?.message,
      /the outcome is unknown: it was to be begun in the node's memory, and the journal .* is not there/,
    );
  });
});
