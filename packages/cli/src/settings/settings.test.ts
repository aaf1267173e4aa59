import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Io } from '../io.js';
import { checkUrl, readConfig, storedToken, storeToken, writeConfig } from './config-file.js';
import { readSettings } from './settings.js';

function home(t: Test): { env: NodeJS.ProcessEnv; io: Io; folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const env: NodeJS.ProcessEnv = { XDG_CONFIG_HOME: folder };
  return { env, folder, file: join(folder, 'rigel', 'config.yaml'), io: { env } as unknown as Io };
}

const nothing = { context: undefined, url: undefined, tokenFile: undefined };
const prod = { url: 'https://rigel.example', token: { env: 'PROD_TOKEN' }, protected: true };

t.test(
  'a flag wins over a variable, a variable over the context, and that over the system of this machine',
  async (t) => {
    const { env, io } = home(t);
    t.equal(readSettings(nothing, io).url, 'http://127.0.0.1:8080');
    writeConfig(env, { current: 'prod', contexts: { prod, test: { url: 'http://10.0.0.1:8080' } } });
    t.match(readSettings(nothing, io), { context: 'prod', url: 'https://rigel.example', protected: true });
    t.match(readSettings({ ...nothing, context: 'test' }, io), { context: 'test', protected: false });
    env.RIGEL_URL = 'http://10.0.0.2:8080/';
    t.match(readSettings(nothing, io), { context: undefined, url: 'http://10.0.0.2:8080', protected: false });
    t.match(readSettings({ ...nothing, url: 'http://10.0.0.3' }, io), { url: 'http://10.0.0.3' });
    t.throws(
      () => readSettings({ ...nothing, context: 'prd' }, io),
      /no context "prd" in .*; it has prod, test/,
    );
  },
);

t.test('the token of a context goes to its address only', async (t) => {
  const { env, io } = home(t);
  writeConfig(env, { current: 'prod', contexts: { prod } });
  env.PROD_TOKEN = 'rgl_1_abcdefgh';
  t.equal(await readSettings(nothing, io).token(), 'rgl_1_abcdefgh');
  t.equal(await readSettings({ ...nothing, url: 'https://evil.example' }, io).token(), undefined);
  delete env.PROD_TOKEN;
  await t.rejects(
    readSettings(nothing, io).token(),
    /takes its token from the variable PROD_TOKEN, which is not set/,
  );
});

t.test('a token comes from a file or a command, and an error never quotes it', async (t) => {
  const { env, io, folder } = home(t);
  const file = join(folder, 'token');
  writeFileSync(file, 'rgl_1_abcdefgh\n');
  t.equal(await readSettings({ ...nothing, tokenFile: file }, io).token(), 'rgl_1_abcdefgh');
  const by = (token: object) =>
    writeConfig(env, { current: 'c', contexts: { c: { url: 'http://h', token } as never } });
  by({ command: 'echo rgl_2_abcdefgh' });
  t.equal(await readSettings(nothing, io).token(), 'rgl_2_abcdefgh');
  by({ command: 'echo rgl_3_secret; exit 3' });
  const error = await readSettings(nothing, io)
    .token()
    .catch((error: Error) => error);
  t.match(error, { message: /failed with status 3/ });
  t.notMatch((error as Error).message, /secret/);
});

t.test('a token that is kept is read by its user only', async (t) => {
  const { env, folder } = home(t);
  storeToken(env, 'prod', 'rgl_1_abcdefgh');
  const file = join(folder, 'rigel', 'credentials.yaml');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(storedToken(env, 'prod'), 'rgl_1_abcdefgh');
  chmodSync(file, 0o644);
  t.throws(() => storedToken(env, 'prod'), /others can read it \(mode 0644\): chmod 600/);
  chmodSync(file, 0o600);
  storeToken(env, 'prod', undefined);
  t.notMatch(readFileSync(file, 'utf8'), /rgl_/);
});

const wrong: [text: string, error: RegExp][] = [
  ['contexts: {a: {}}', /context a needs url/],
  ['contexts: {a: {url: ftp://x}}', /url of context a must be an address/],
  ['contexts: {a: {url: "http://u:p@x"}}', /must hold no password/],
  ['contexts: {a: {url: "http://x", token: rgl_1_abc}}', /a token itself does not belong there/],
  ['contexts: {a: {url: "http://x", tokn: 1}}', /context a has no setting tokn/],
  ['context: {}', /there is no setting context/],
  ['current: [1]', /current must be the name of a context/],
  ['a: [', /cannot be read/],
];

t.test('what is wrong in the file of contexts is named', async (t) => {
  const { env, file } = home(t);
  writeConfig(env, { contexts: {} });
  for (const [text, error] of wrong) {
    writeFileSync(file, text);
    t.throws(() => readConfig(env), error, text);
  }
  t.throws(() => checkUrl('rigel.example', '--url'), /--url must be an address like/);
});
