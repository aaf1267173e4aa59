import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secretVariables } from '@rigel/secrets';
import t from 'tap';
import { readProvidersFile } from './providers-file.js';
import { readEntries } from './testing/read-entries.js';

const url = 'http://127.0.0.1:8888';

t.test('entries by number, of every adapter', async (t) => {
  const providers = readEntries({
    vm: { 1: { adapter: 'local', folder: '/machines' }, 7: { adapter: 'rest', url } },
    sd: {
      1: { adapter: 'nginx', file: '/etc/nginx/rigel/web.conf', upstream: 'web', port: 8080 },
      2: { adapter: 'haproxy', socket: '/run/haproxy/admin.sock', backend: 'web', port: 8080 },
      3: { adapter: 'rest', url, type_id: 4, max_concurrent: 2, calls_per_second: 0.5, call_timeout: 5 },
    },
  });
  t.same([...providers.vm.keys()], [1, 7]);
  t.same(
    [...providers.sd.values()].map(({ name }) => name),
    ['sd 1 (nginx)', 'sd 2 (haproxy)', 'sd 3 (rest)'],
  );
  t.same([...readEntries({}).vm], []);
});

t.test('a wrong file is refused in one line that names the file, the place and the value', async (t) => {
  const wrong: [unknown, RegExp][] = [
    ['{"vm": ', /providers.json: is not JSON/],
    [[], /must be an object with the keys vm and sd/],
    [{ vms: {} }, /unknown key vms; the nearest known one is vm/],
    [{ vm: [] }, /vm = \[\] must be an object/],
    [{ vm: { web: {} } }, /vm\.web: the key of an entry is a whole number from 1/],
    [{ vm: { 1: 'local' } }, /vm\.1 = "local" must be an object/],
    [{ vm: { 1: {} } }, /vm\.1\.adapter = nothing must be one of local, rest/],
    [{ sd: { 1: { adapter: 'ngnix' } } }, /sd\.1\.adapter = "ngnix" must be one of .*; the nearest is nginx/],
    [{ vm: { 1: { adapter: 'constructor' } } }, /vm\.1\.adapter = "constructor" must be one of/],
    [{ vm: { 1: { adapter: 'local' } } }, /vm\.1\.folder is missing/],
    [{ vm: { 1: { adapter: 'local', folder: 'here' } } }, /vm\.1: folder = here must be an absolute path/],
    [
      { vm: { 1: { adapter: 'rest', url, ulr: url } } },
      /vm\.1\.ulr is not a known key; the nearest known one is url/,
    ],
    [
      { vm: { 1: { adapter: 'rest', url: 'ftp://x' } } },
      /vm\.1\.url = "ftp:\/\/x" is wrong: must match pattern/,
    ],
    [
      { vm: { 1: { adapter: 'rest', url, max_concurrent: 0 } } },
      /vm\.1\.max_concurrent = 0 is wrong: must be >= 1/,
    ],
    [
      { sd: { 1: { adapter: 'nginx', file: '/x', upstream: 'a b', port: 80 } } },
      /sd\.1\.upstream = "a b" is wrong/,
    ],
    [
      { sd: { 1: { adapter: 'nginx', file: '/x', upstream: 'a', port: 80, directives: ['} http {;'] } } },
      /sd\.1\.directives\.0 = "} http {;" is wrong/,
    ],
    [
      { vm: { 1: { adapter: 'rest', url, app_key: { env: 'NOT_SET_ANYWHERE' } } } },
      /vm\.1\.app_key: the environment variable NOT_SET_ANYWHERE is not set/,
    ],
    [
      { vm: { 1: { adapter: 'rest', url, app_key: { file: '/does/not/exist' } } } },
      /vm\.1\.app_key: the file \/does\/not\/exist cannot be read/,
    ],
  ];
  for (const [content, message] of wrong)
    t.throws(() => readEntries(content), { name: 'ProvidersFileError', message }, String(message));
  t.throws(() => readProvidersFile('/does/not/exist', { ssh: undefined }), {
    message: '/does/not/exist: cannot be read (ENOENT)',
  });
});

t.test('a secret that was written down is refused and not shown', async (t) => {
  const error = t.throws(() => readEntries({ vm: { 1: { adapter: 'rest', url, app_key: 'hunter2' } } }));
  t.match(error, { message: /vm\.1\.app_key must be \{"env": "NAME"\} or/ });
  t.notMatch(String(error), 'hunter2');
});

t.test('the variables that a file refers to', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rigel-secret-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key');
  writeFileSync(file, 'secret');
  const text = JSON.stringify({ vm: { 1: { app_key: { env: 'A' } } }, sd: { 1: { app_key: { file } } } });
  t.same(secretVariables(text), ['A']);
});
