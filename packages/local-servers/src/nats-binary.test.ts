import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { installDebianPackage } from './debian-package.js';
import { ensureNatsServer } from './nats-binary.js';
import { NATS_VERSION } from './nats-release.js';

const run = promisify(execFile);
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const release = `nats-server-v${NATS_VERSION}-${platform}`;

let installed: string;
t.before(async () => {
  const cacheDir = join(tmpdir(), 'rigel-test-cache');
  installed = await ensureNatsServer({ cacheDir, log: (line) => t.comment(line) });
});

async function folder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rigel-nats-binary-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

/** A PATH in which only these programs are found, until the test ends. */
async function onlyInPath(t: Test, dir: string, programs: Record<string, string>): Promise<void> {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  for (const [name, target] of Object.entries(programs)) await symlink(target, join(bin, name));
  const before = process.env.PATH;
  process.env.PATH = bin;
  t.teardown(() => {
    process.env.PATH = before;
  });
}

async function unpackers(): Promise<Record<string, string>> {
  const path = async (name: string) => (await run('sh', ['-c', `command -v ${name}`])).stdout.trim();
  return { tar: await path('tar'), gzip: await path('gzip') };
}

/** Serves an archive laid out like a release's, made of the installed program, as a mirror would. */
async function mirror(t: Test, dir: string): Promise<{ url: string; sha256: string; requests: string[] }> {
  await mkdir(join(dir, release));
  await copyFile(installed, join(dir, release, 'nats-server'));
  const file = join(dir, `${release}.tar.gz`);
  await run('tar', ['-czf', file, '-C', dir, release]);
  const archive = await readFile(file);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (request.url === `/v${NATS_VERSION}/${release}.tar.gz` || request.url === '/any.tar.gz')
      response.end(archive);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sha256: createHash('sha256').update(archive).digest('hex'),
    requests,
  };
}

t.test('the program in PATH is taken', async (t) => {
  const dir = await folder(t);
  await onlyInPath(t, dir, { 'nats-server': installed });
  const binary = await ensureNatsServer({ cacheDir: join(dir, 'cache'), log: t.fail });
  t.equal(binary, join(dir, 'bin', 'nats-server'));
});

t.test('a release is downloaded once, and the program of it runs', async (t) => {
  const dir = await folder(t);
  const { url, sha256, requests } = await mirror(t, dir);
  await onlyInPath(t, dir, await unpackers());
  const cacheDir = join(dir, 'cache');
  const lines: string[] = [];
  const options = {
    cacheDir,
    downloadUrl: url,
    downloadSha256: sha256.toUpperCase(),
    log: (line: string) => lines.push(line),
  };
  const binary = await ensureNatsServer(options);
  t.match(lines, [/downloading it from http:\/\/127\.0\.0\.1:.* \(kept in .*cache\)/]);
  t.ok(binary.startsWith(cacheDir));
  t.match((await run(binary, ['--version'])).stdout, /nats-server: v2\./);
  t.equal(await ensureNatsServer(options), binary);
  t.equal(await ensureNatsServer({ ...options, downloadUrl: `${url}/any.tar.gz` }), binary);
  t.strictSame(requests, [`/v${NATS_VERSION}/${release}.tar.gz`]);
  t.equal((await readdir(cacheDir)).length, 1, 'nothing else is left in the cache');
});

t.test('the address of one archive may come from the environment', async (t) => {
  const dir = await folder(t);
  const { url, sha256, requests } = await mirror(t, dir);
  await onlyInPath(t, dir, await unpackers());
  process.env.RIGEL_NATS_DOWNLOAD_URL = `${url}/any.tar.gz`;
  process.env.RIGEL_NATS_DOWNLOAD_SHA256 = sha256;
  t.teardown(() => {
    delete process.env.RIGEL_NATS_DOWNLOAD_URL;
    delete process.env.RIGEL_NATS_DOWNLOAD_SHA256;
  });
  const binary = await ensureNatsServer({ cacheDir: join(dir, 'cache'), log: () => undefined });
  t.match((await run(binary, ['--version'])).stdout, /nats-server: v2\./);
  t.strictSame(requests, ['/any.tar.gz']);
});

t.test('an archive with another hash is refused and not kept', async (t) => {
  const dir = await folder(t);
  const { url, sha256, requests } = await mirror(t, dir);
  await onlyInPath(t, dir, await unpackers());
  const cacheDir = join(dir, 'cache');
  const refused = ensureNatsServer({ cacheDir, downloadUrl: url, log: () => undefined });
  await t.rejects(refused, {
    message: new RegExp(`has the SHA-256 ${sha256}, expected [0-9a-f]{64}: refused`),
  });
  t.equal(requests.length, 1);
  t.strictSame(await readdir(cacheDir), []);
});

t.test('where nothing works, the message says what to install', async (t) => {
  const dir = await folder(t);
  const { url } = await mirror(t, dir);
  await onlyInPath(t, dir, {});
  await writeFile(join(dir, 'bin', 'nats-server'), '#!/bin/sh\necho nats-server: v1.4.1\n', { mode: 0o755 });
  const options = { cacheDir: join(dir, 'cache'), downloadUrl: `${url}/missing`, log: () => undefined };
  await t.rejects(ensureNatsServer(options), {
    message:
      /^nats-server is missing: install it .*apt-get install nats-server.*set NATS_URL.*v1\.4\.1, needed: 2\.9.*HTTP status 404/,
  });
});

const debianRoot =
  process.getuid?.() === 0 && (await run('apt-get', ['--version']).catch(() => undefined)) !== undefined;
t.test('Debian’s package is installed', { skip: debianRoot ? false : 'needs root on Debian' }, async () => {
  await installDebianPackage('nats-server', undefined);
  await run('dpkg', ['--status', 'nats-server']);
});
