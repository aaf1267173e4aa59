import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { makeFolder } from './make-folder.js';

t.test('folders are made with those above them, or it says which cannot be made', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-folder-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await makeFolder(join(folder, 'a', 'b', 'c'));
  await makeFolder(join(folder, 'a', 'b', 'c'));
  t.ok((await stat(join(folder, 'a', 'b', 'c'))).isDirectory());
  await writeFile(join(folder, 'file'), '');
  await t.rejects(makeFolder(join(folder, 'file', 'x')), /file\/x cannot be made/);
  // Node's own recursive mkdir never comes back from here.
  await t.rejects(makeFolder('/proc/rigel/logs'), /\/proc\/rigel cannot be made/);
});
