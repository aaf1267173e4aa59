import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isSameFolder, ParameterSecrets, ProfileSecrets } from './name-spaces.js';
import { NamedSecrets, PROFILE_SPACE } from './named-secrets.js';

const refused = (by: string) => ({
  name: 'SecretError',
  message: new RegExp(`is used by ${by}: no parameter may take it`),
});

t.test('what something else uses no parameter is given, by whatever name it leads there', async (t) => {
  const folder = t.testdir({ key: 'the key', 'db-password': 'a password', elsewhere: { token: 'a token' } });
  symlinkSync('key', join(folder, 'link'));
  linkSync(join(folder, 'key'), join(folder, 'hard'));
  symlinkSync(join('elsewhere', 'token'), join(folder, 'token'));
  const secrets = new ParameterSecrets(
    new NamedSecrets(folder, { RIGEL_SECRET_APP_KEY: 'app key', RIGEL_SECRET_OTHER: 'other' }),
  );
  t.equal(await secrets.read('key'), 'the key');
  secrets.reserve({ file: join(folder, 'key') }, 'the profiles');
  secrets.reserve({ file: join(folder, 'elsewhere', 'token') }, 'the providers');
  secrets.reserve({ env: 'RIGEL_SECRET_APP_KEY' }, 'the providers');
  secrets.reserve({ file: join(folder, 'none') }, 'nothing');
  secrets.reserve({ env: 'PATH' }, 'nothing');
  for (const name of ['key', 'link', 'hard']) await t.rejects(secrets.read(name), refused('the profiles'));
  for (const name of ['token', 'app-key', 'APP.KEY', 'app_key'])
    await t.rejects(secrets.read(name), refused('the providers'));
  t.equal(await secrets.read('db-password'), 'a password');
  t.equal(await secrets.read('other'), 'other');
  await t.rejects(secrets.read('missing'), { message: /^secret missing is missing/ });
  for (const name of ['../key', '/etc/passwd', './key', 'a/../key'])
    await t.rejects(secrets.read(name), { message: /the name of a secret is not allowed/ });
  t.strictSame(await secrets.reservedNames(), [
    { name: 'APP_KEY', by: 'the providers' },
    { name: 'hard', by: 'the profiles' },
    { name: 'key', by: 'the profiles' },
    { name: 'link', by: 'the profiles' },
    { name: 'token', by: 'the providers' },
  ]);
});

t.test('a file that is replaced stays reserved, as Kubernetes brings new ones', async (t) => {
  const folder = t.testdir({ '..1': { key: 'old', free: 'free' }, '..2': { key: 'new one', free: 'free' } });
  symlinkSync('..1', join(folder, '..data'));
  for (const name of ['key', 'free']) symlinkSync(`..data/${name}`, join(folder, name));
  symlinkSync('key', join(folder, 'other-name'));
  const secrets = new ParameterSecrets(new NamedSecrets(folder, {}));
  secrets.reserve({ file: join(folder, 'key') }, 'the profiles');
  for (const version of ['..1', '..2']) {
    symlinkSync(version, join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    for (const name of ['key', 'other-name']) await t.rejects(secrets.read(name), refused('the profiles'));
    t.equal(await secrets.read('free'), 'free');
  }
});

t.test('profiles have secrets of their own, which no parameter leads to', async (t) => {
  const folder = t.testdir({ parameters: { both: 'of a parameter' }, profiles: { both: 'of a profile' } });
  const env = { RIGEL_PROFILE_SECRET_LAB_KEY: 'lab key', RIGEL_SECRET_MINE: 'mine' };
  const parameters = new ParameterSecrets(new NamedSecrets(join(folder, 'parameters'), env));
  const profiles = new ProfileSecrets(
    new NamedSecrets(join(folder, 'profiles'), env, PROFILE_SPACE),
    parameters,
  );
  t.equal(await profiles.read('both'), 'of a profile');
  t.equal(await parameters.read('both'), 'of a parameter', 'the same name is another secret');
  t.equal(await profiles.read('lab-key'), 'lab key');
  await t.rejects(parameters.read('lab-key'), { message: /no variable RIGEL_SECRET_LAB_KEY/ });
  await t.rejects(profiles.read('none'), {
    message: /no file .*profiles\/none, and no variable RIGEL_PROFILE_SECRET_NONE/,
  });
  t.strictSame(profiles.moved, []);
});

t.test('a profile’s secret that is only where parameters have theirs works, and is reserved', async (t) => {
  const folder = t.testdir({ parameters: { 'lab-key': 'in a file' }, profiles: {} });
  const env: NodeJS.ProcessEnv = {
    RIGEL_SECRET_OTHER_KEY: 'in a variable',
    RIGEL_SECRET_LAB_KEY: 'also there',
  };
  const parameters = new ParameterSecrets(new NamedSecrets(join(folder, 'parameters'), env));
  const profiles = new ProfileSecrets(
    new NamedSecrets(join(folder, 'profiles'), env, PROFILE_SPACE),
    parameters,
  );
  t.equal(await profiles.read('lab-key'), 'in a file');
  t.equal(await profiles.read('other-key'), 'in a variable');
  t.strictSame(profiles.moved, ['lab-key', 'other-key']);
  for (const name of ['lab-key', 'other-key', 'OTHER.key'])
    await t.rejects(parameters.read(name), refused('the SSH profiles'));
  // Where it was found it stays, so that what is reserved is what is used.
  writeFileSync(join(folder, 'profiles', 'lab-key'), 'moved while it ran');
  t.equal(await profiles.read('lab-key'), 'in a file');
  rmSync(join(folder, 'parameters', 'lab-key'));
  t.equal(await profiles.read('lab-key'), 'also there', 'its other place is reserved, too');
  await t.rejects(parameters.read('lab-key'), refused('the SSH profiles'));
});

t.test('two folders are told to be one by whatever path', async (t) => {
  const folder = t.testdir({});
  mkdirSync(join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  t.equal(await isSameFolder(join(folder, 'a'), join(folder, 'b')), true);
  t.equal(await isSameFolder(join(folder, 'a'), folder), false);
  t.equal(await isSameFolder(join(folder, 'a'), ''), false);
});
