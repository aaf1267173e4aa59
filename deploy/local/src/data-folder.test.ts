import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { preparePrivateFolder } from './data-folder.js';

async function parent(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-private-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

t.test('a new data folder is its owner’s alone, whatever the umask', async (t) => {
  const folder = join(await parent(t), 'a', 'data');
  const before = process.umask(0);
  const told: string[] = [];
  try {
    await preparePrivateFolder(folder, (line) => told.push(line));
  } finally {
    process.umask(before);
  }
  t.equal(await modeOf(folder), '700');
  t.same(told, []);
});

t.test('one that was open is closed, with what stands in it, and it says so', async (t) => {
  const folder = join(await parent(t), 'data');
  await mkdir(join(folder, 'logs'), { recursive: true });
  await writeFile(join(folder, 'providers.json'), '{}');
  const elsewhere = join(folder, '..', 'elsewhere');
  await mkdir(elsewhere);
  await symlink(elsewhere, join(folder, 'link'));
  for (const path of [folder, join(folder, 'logs'), elsewhere]) await chmod(path, 0o755);
  await chmod(join(folder, 'providers.json'), 0o644);
  const told: string[] = [];
  await preparePrivateFolder(folder, (line) => told.push(line));
  t.equal(told.length, 1);
  t.match(told[0], /was open to other users \(mode 755\): it is closed now \(700\)/);
  t.equal(await modeOf(folder), '700');
  t.equal(await modeOf(join(folder, 'logs')), '700');
  t.equal(await modeOf(join(folder, 'providers.json')), '600');
  t.equal(await modeOf(elsewhere), '755', 'what a link names is not ours');
  await preparePrivateFolder(folder, (line) => told.push(line));
  t.equal(told.length, 1, 'once');
});

t.test('the database’s account may pass where root has no other means, and sees nothing', async (t) => {
  const folder = join(await parent(t), 'data');
  const told: string[] = [];
  await preparePrivateFolder(folder, (line) => told.push(line), { passage: true });
  t.equal(await modeOf(folder), '711');
  await preparePrivateFolder(folder, (line) => told.push(line), { passage: true });
  t.same(told, [], 'as it is wanted');
  await preparePrivateFolder(folder, (line) => told.push(line));
  t.equal(await modeOf(folder), '700');
});

t.test('one that belongs to somebody else is refused, and nothing in it is changed', async (t) => {
  // Without root no folder can be given away: there the root folder is somebody else's.
  const isRoot = process.getuid?.() === 0;
  const folder = isRoot ? join(await parent(t), 'data') : '/';
  if (isRoot) {
    await mkdir(folder, { mode: 0o755 });
    await chown(folder, 65_534, 65_534);
  }
  const before = await modeOf(folder);
  await t.rejects(
    preparePrivateFolder(folder, () => undefined),
    /belongs to another user \(\d+; this is \d+\).*RIGEL_DATA_DIR/,
  );
  t.equal(await modeOf(folder), before);
});
