import { chmod, readFile, writeFile } from 'node:fs/promises';
import { startSshd } from '@rigel/remote-attempt/testing';
import { waitFor } from '@rigel/testing';
import tap from 'tap';
import { isRegistered, makeChange } from '../testing/changes.js';
import { readEntries, startTestNginx } from '../testing/index.js';

/* What is nginx's own: its file, what it refuses, and changes that were interrupted. */

tap.test('a real nginx', async (t) => {
  const nginx = await startTestNginx();
  if ('missing' in nginx) {
    t.comment(`left out: ${nginx.missing}`);
    return;
  }
  t.teardown(() => nginx.stop());
  const file = String(nginx.entry.file);
  const entryOf = (more: object = {}, ssh?: Parameters<typeof readEntries>[1]) => {
    const entry = readEntries({ sd: { 1: { ...nginx.entry, port: 8080, ...more } } }, ssh).sd.get(1);
    if (!entry) throw new Error('there is no entry');
    return entry;
  };
  const plain = entryOf();

  await t.test('the file has the requested servers, and names its owner', async (t) => {
    const entry = entryOf({ server_options: 'max_fails=2', directives: ['least_conn;', 'keepalive 8;'] });
    await makeChange(entry, 'register', '127.0.0.9:2222');
    t.equal(
      await readFile(file, 'utf8'),
      [
        '# Owned by Rigel, which writes it anew at every change.',
        'upstream nodes {',
        '    least_conn;',
        '    keepalive 8;',
        '    server 127.0.0.9:8080 max_fails=2; # node',
        '}',
        '',
      ].join('\n'),
    );
    await makeChange(entry, 'unregister', '127.0.0.9');
    t.match(await readFile(file, 'utf8'), 'server 127.0.0.1:1 down;');
  });

  await t.test('a change that nginx refuses is undone', async (t) => {
    const before = await readFile(file, 'utf8');
    const wrong = entryOf({ server_options: 'max_fials=1' });
    await t.rejects(makeChange(wrong, 'register', '127.0.0.9'), {
      name: 'ProviderError',
      kind: 'refused',
      message: /nginx -t refuses the change, which was taken back: .*invalid parameter .?max_fials=1/,
    });
    t.equal(await readFile(file, 'utf8'), before);
    await t.rejects(makeChange(plain, 'register', '127.0.0.9; } x'), { message: /is not an address/ });
  });

  await t.test('a change that was interrupted before nginx loaded it is made whole', async (t) => {
    const text = (await readFile(file, 'utf8')).replace(
      '    server 127.0.0.1:1 down;',
      '    server 127.0.0.8:8080; # node',
    );
    await writeFile(file, text);
    t.equal(await isRegistered(plain, '127.0.0.8'), false, 'the file says so, but nginx does not know');
    await makeChange(plain, 'register', '127.0.0.8');
    t.equal(await isRegistered(plain, '127.0.0.8'), true);
    await makeChange(plain, 'unregister', '127.0.0.8');
  });

  await t.test('an nginx that does not run is a reason', async (t) => {
    const away = entryOf({ pid_file: '/does/not/exist' });
    await t.rejects(makeChange(away, 'register', '127.0.0.9'), {
      message: 'nginx does not run: no process of /does/not/exist',
    });
  });

  await t.test(
    'over SSH',
    { skip: process.getuid?.() === 0 ? false : 'needs a login as root' },
    async (t) => {
      // The account of the test server may run nginx as root by no other way than this one.
      const sshd = await startSshd({ extraConfig: 'PermitRootLogin yes' });
      t.teardown(() => sshd.stop());
      await chmod(sshd.home, 0o777);
      const connection = {
        user: 'nobody-in-particular',
        privateKey: sshd.privateKey,
        hostKeyPolicy: 'strict' as const,
        connectTimeoutMs: 10_000,
        keepaliveIntervalMs: 10_000,
        keepaliveCountMax: 3,
      };
      const host = { host: `127.0.0.1:${sshd.port}`, user: 'root' };
      const ssh = { ssh: { connection, defaultPort: 22 } };
      const strange = entryOf(host, ssh);
      await t.rejects(makeChange(strange, 'register', '127.0.0.7'), { message: /host key .* is not known/ });
      const remote = entryOf({ ...host, host_key: sshd.hostKey }, ssh);
      await makeChange(remote, 'register', '127.0.0.7');
      t.equal(await isRegistered(plain, '127.0.0.7'), true);
      await sshd.stopSessions();
      // The call that meets the broken connection does not know what became of it; a step asks again.
      await waitFor(() => makeChange(remote, 'unregister', '127.0.0.7'), { what: 'the change' });
      t.equal(await isRegistered(remote, '127.0.0.7'), false);
    },
  );
});
