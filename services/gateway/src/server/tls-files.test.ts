import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { makeAuthority, silentLogger, waitFor } from '@rigel/testing';
import t from 'tap';
import { followTlsFiles, readTlsFiles } from './tls-files.js';

const folder = await mkdtemp(join(tmpdir(), 'rigel-tls-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const authority = await makeAuthority(folder);
const [first, renewed] = [await authority.issue('first'), await authority.issue('renewed')];
const files = {
  RIGEL_HTTP_TLS_CERT_FILE: join(folder, 'server.crt'),
  RIGEL_HTTP_TLS_KEY_FILE: join(folder, 'server.key'),
};
const { RIGEL_HTTP_TLS_CERT_FILE: certFile, RIGEL_HTTP_TLS_KEY_FILE: keyFile } = files;

t.test('files that cannot be used are refused, and the setting is named', async (t) => {
  await copyFile(first.certFile, certFile);
  await copyFile(renewed.keyFile, keyFile);
  t.equal(
    readTlsFiles({ RIGEL_HTTP_TLS_CERT_FILE: '', RIGEL_HTTP_TLS_KEY_FILE: '' }),
    undefined,
    'plain HTTP',
  );
  t.throws(() => readTlsFiles({ ...files, RIGEL_HTTP_TLS_KEY_FILE: '' }), {
    message: 'RIGEL_HTTP_TLS_KEY_FILE is not set: certificate and key are used together',
  });
  t.throws(() => readTlsFiles({ ...files, RIGEL_HTTP_TLS_CERT_FILE: join(folder, 'none') }), {
    message: /^RIGEL_HTTP_TLS_CERT_FILE is wrong: ENOENT.*none/,
  });
  t.throws(
    () => readTlsFiles(files),
    { message: /cannot be used \(.*key values mismatch\)/ },
    'of another key',
  );
  for (const [name, file] of Object.entries(files)) {
    await writeFile(certFile, await readFile(first.certFile));
    await writeFile(keyFile, await readFile(first.keyFile));
    await writeFile(file, '');
    t.throws(() => readTlsFiles(files), { message: `${name} is wrong: ${file} is empty` });
  }
});

t.test('a renewed certificate is used for new connections without a restart', async (t) => {
  await copyFile(first.certFile, certFile);
  await copyFile(first.keyFile, keyFile);
  const pair = readTlsFiles(files);
  if (!pair) throw new Error('there is a certificate');
  const server = createServer(pair, (_, response) => response.end('answer'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const warnings: string[] = [];
  const log = {
    ...silentLogger,
    info: () => undefined,
    warn: (_: unknown, text: string) => warnings.push(text),
  };
  const end = followTlsFiles(server, files, pair, { log: log as never, everyMs: 10 });
  t.teardown(end);

  const { port } = server.address() as AddressInfo;
  const ca = await readFile(authority.caFile);
  const open = (): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca }, () => resolve(socket)).once('error', reject);
      t.teardown(() => socket.destroy());
    });
  const nameOf = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;
  const shown = async (): Promise<unknown> => {
    const socket = await open();
    const name = nameOf(socket);
    socket.destroy();
    return name;
  };
  const old = await open();
  t.equal(nameOf(old), 'first');

  await writeFile(certFile, '');
  await waitFor(() => warnings.length > 0, { what: 'it is told that the file is empty' });
  t.equal(await shown(), 'first');
  warnings.length = 0;
  await writeFile(certFile, 'half of a certi');
  await waitFor(() => warnings.length > 0, { what: 'it is told that the file cannot be used' });
  t.match(warnings[0], /cannot use the new certificate and keeps the old one/);
  t.equal(await shown(), 'first');

  // As renewing programs do it: one file after the other.
  await copyFile(renewed.certFile, certFile);
  await copyFile(renewed.keyFile, keyFile);
  await waitFor(async () => (await shown()) === 'renewed', { what: 'the renewed certificate' });

  const answer = new Promise<string>((resolve) => old.once('data', (data) => resolve(String(data))));
  old.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  t.match(await answer, /^HTTP\/1\.1 200/, 'a connection that was open goes on');

  end();
  await copyFile(first.certFile, certFile);
  await copyFile(first.keyFile, keyFile);
  t.equal(await shown(), 'renewed', 'ended: nothing is looked at any more');
});
