import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { NamedSecrets } from './named-secrets.js';

t.test('a name leads to a file, else to a variable with the prefix', async (t) => {
  const folder = t.testdir({ 'db-password': 'from the file\n\n', both: 'file\r\n', spaces: ' a b \n' });
  const env: NodeJS.ProcessEnv = {
    RIGEL_SECRET_API_KEY_2: 'from the variable\n',
    RIGEL_SECRET_BOTH: 'variable',
  };
  const secrets = new NamedSecrets(folder, env);
  t.equal(await secrets.read('db-password'), 'from the file');
  t.equal(await secrets.read('api-key.2'), 'from the variable');
  t.equal(await secrets.read('both'), 'file');
  t.equal(await secrets.read('spaces'), ' a b ', 'only line ends at the end are left out');
  env.RIGEL_SECRET_API_KEY_2 = 'a new one';
  writeFileSync(join(folder, 'both'), 'changed');
  t.equal(await secrets.read('api-key.2'), 'a new one');
  t.equal(await secrets.read('both'), 'changed', 'read at each use');
  t.equal(await new NamedSecrets('', env).read('both'), 'variable');
});

t.test('as Kubernetes mounts them: links to files in a hidden folder', async (t) => {
  const folder = t.testdir({});
  mkdirSync(join(folder, '..2026'));
  writeFileSync(join(folder, '..2026', 'token'), 'mounted');
  symlinkSync('..2026', join(folder, '..data'));
  symlinkSync('..data/token', join(folder, 'token'));
  t.equal(await new NamedSecrets(folder, {}).read('token'), 'mounted');
});

t.test('what cannot be used is told by name, never by value', async (t) => {
  const folder = t.testdir({ short: 'abc\n', nul: 'ab\0cdef', long: 'x'.repeat(32_769), folder: {} });
  writeFileSync(join(folder, 'binary'), Buffer.from([0x61, 0xff, 0xfe, 0x62, 0x63]));
  const secrets = new NamedSecrets(folder, { PATH: '/bin:/usr/bin', RIGEL_DATA_DIR: '/somewhere' });
  const refused = (name: string, message: RegExp) =>
    t.rejects(secrets.read(name), { name: 'SecretError', message });
  await refused(
    'missing',
    /^secret missing is missing: no file \/.*\/missing, and no variable RIGEL_SECRET_MISSING$/,
  );
  await refused('short', /^secret short has fewer than 4 bytes: it could not be kept out of the output$/);
  await refused('nul', /^secret nul contains a NUL character/);
  await refused('binary', /^secret binary is no UTF-8 text$/);
  await refused('long', /^secret long has more than 32768 bytes$/);
  await refused('folder', /^secret folder: the file .* cannot be read \(EISDIR\)$/);
  await refused('PATH', /missing/);
  await refused('data-dir', /missing/);
  for (const name of ['../short', '..', '/etc/passwd', '', 'a/b', '.hidden', 'x\n'])
    await refused(name, /not allowed/);
  await t.rejects(new NamedSecrets('', {}).read('a'), { message: /RIGEL_SECRETS_DIR is not set/ });
});
