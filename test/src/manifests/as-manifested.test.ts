import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { PARTICIPANTS, runtimeRole } from '@rigel/contracts';
import { run as rigel } from '@rigel/database-cli';
import { readLocalConfig, startStack } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { startSshd } from '@rigel/remote-attempt/testing';
import { TEST_CACHE_DIR, waitFor } from '@rigel/testing';
import pg from 'pg';
import t from 'tap';
import { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { type ManifestedProcess, processOf, startAsManifested, stopAsManifested } from './as-manifested.js';
import { findManifest, overlayFolder, render } from './render.js';

/** The image's files in a folder, to run instead of this checkout; see docs/deploy.md. */
const IMAGE_ROOT = process.env.RIGEL_TEST_IMAGE_ROOT || undefined;
// Needs root and a kernel that lets it make namespaces: CI and containers with privileges have both.
const canUnshare = spawnSync('unshare', ['-m', 'true']).status === 0;

t.test(
  'services run with the environment, user, folders and signals of the manifests',
  {
    skip: canUnshare ? false : 'mount namespaces cannot be made here',
  },
  async (t) => {
    // Not in /tmp: the executor has one of its own.
    const folder = await mkdtemp('/var/tmp/rigel-manifested-');
    await chmod(folder, 0o755);
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const dataDir = join(folder, 'data');
    // The servers alone, secured as they are in production; the services are started from the manifests.
    const stack = await startStack(
      readLocalConfig({ RIGEL_DATA_DIR: dataDir, RIGEL_HTTP_PORT: '0', RIGEL_SECURED: 'true' }),
      { services: () => [], unsafeFastDatabase: true, databaseTemplateDir: TEST_CACHE_DIR },
    );
    t.teardown(() => stack.stop());

    const sshd = await startSshd({ listenAddress: '0.0.0.0' });
    t.teardown(() => sshd.stop());
    const manifests = await render(overlayFolder('dev'));
    const database = new URL(stack.databaseUrl);
    const configMaps = new Map(
      manifests
        .filter(({ kind }) => kind === 'ConfigMap')
        .map(({ metadata, data }) => [
          metadata.name,
          {
            ...(data as Record<string, string>),
            'nats-url': stack.natsUrl,
            'database-host': database.host,
            'database-name': database.pathname.slice(1),
            'ssh-user': sshd.user,
          },
        ]),
    );
    await t.test('the jobs make roles, schemas and tables in a database that has nothing', async (t) => {
      const admin = new pg.Client({ connectionString: stack.databaseUrl });
      await admin.connect();
      await admin.query('CREATE DATABASE fresh').finally(() => admin.end());
      const mounts = join(folder, 'jobs');
      const secured = join(dataDir, 'secured');
      await cp(join(secured, 'database'), join(mounts, 'database'), { recursive: true });
      for (const name of await readdir(join(mounts, 'database')))
        await chmod(join(mounts, 'database', name), 0o444);
      await chmod(join(mounts, 'database'), 0o755);
      for (const each of ['database-ca', 'database-admin']) await mkdir(join(mounts, each));
      await cp(join(secured, 'ca.crt'), join(mounts, 'database-ca', 'ca.crt'));
      await writeFile(join(mounts, 'database-admin', 'password'), decodeURIComponent(database.password));
      const namespace = new Map(
        [...configMaps].map(([name, data]) => [
          name,
          { ...data, 'database-name': 'fresh', 'database-admin': database.username },
        ]),
      );
      for (const name of ['prepare-database', 'migrations']) {
        const manifested = processOf(findManifest(manifests, 'Job', name), { configMaps: namespace });
        const child = startAsManifested(manifested, mounts, IMAGE_ROOT);
        const output: string[] = [];
        child.stdout?.on('data', (chunk) => output.push(String(chunk)));
        child.stderr?.on('data', (chunk) => output.push(String(chunk)));
        const [status] = (await once(child, 'close')) as [number | null];
        t.equal(status, 0, output.join(''));
      }
      const url = new URL(stack.databaseUrl);
      Object.assign(url, { pathname: '/fresh', username: runtimeRole('catalog') });
      url.password = await readFile(join(secured, 'database', runtimeRole('catalog')), 'utf8');
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      t.teardown(() => client.end());
      t.match(
        await client.query('SELECT * FROM catalog.events'),
        { rowCount: 0 },
        'the service may read there',
      );
    });

    const httpPort = await findFreePort();

    const running: { manifested: ManifestedProcess; child: ChildProcess; output: string[] }[] = [];
    for (const participant of PARTICIPANTS) {
      const deployment = manifests.find(
        ({ kind, metadata }) => kind === 'Deployment' && metadata.name === participant,
      );
      if (!deployment) throw new Error(`${participant} is not deployed`);
      const manifested = processOf(deployment, { configMaps });
      // What Kubernetes mounts below /etc/rigel stands in a folder of its own here.
      const mounts = join(folder, participant);
      for (const each of ['nats', 'nats-ca', 'database', 'database-ca', 'ssh'])
        await mkdir(join(mounts, each), { recursive: true });
      const secured = join(dataDir, 'secured');
      const readable = async (from: string, to: string) => {
        await copyFile(from, join(mounts, to));
        await chmod(join(mounts, to), 0o444);
      };
      await readable(join(secured, 'nats', `${participant}.password`), 'nats/password');
      await readable(join(secured, 'ca.crt'), 'nats-ca/ca.crt');
      if (manifested.env.DATABASE_URL !== undefined) {
        await readable(join(secured, 'database', runtimeRole(participant)), 'database/password');
        await readable(join(secured, 'ca.crt'), 'database-ca/ca.crt');
      }
      if (participant === 'executor')
        await writeFile(join(mounts, 'ssh/id'), sshd.privateKey, { mode: 0o400 });
      if (participant === 'executor') {
        // As a secret's volume has it (fsGroup, defaultMode).
        await chown(join(mounts, 'ssh/id'), 0, manifested.gid);
        await chmod(join(mounts, 'ssh/id'), 0o440);
      }
      // All pods share one machine here, so ports of their own.
      manifested.env.RIGEL_OPS_PORT = String(await findFreePort());
      if (participant === 'gateway')
        Object.assign(manifested.env, { RIGEL_HTTP_HOST: '127.0.0.1', RIGEL_HTTP_PORT: String(httpPort) });
      const child = startAsManifested(manifested, mounts, IMAGE_ROOT);
      const output: string[] = [];
      child.stdout?.on('data', (chunk) => output.push(String(chunk)));
      child.stderr?.on('data', (chunk) => output.push(String(chunk)));
      t.teardown(() => void child.kill('SIGKILL'));
      running.push({ manifested, child, output });
    }

    const ready = async (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${httpPort}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    await waitFor(ready, { what: 'everything is ready', timeoutMs: 60_000 }).catch((error: unknown) => {
      t.comment(running.map(({ output }) => output.join('').slice(-1_000)).join('\n'));
      throw error;
    });
    for (const { manifested } of running) {
      for (const probe of ['healthz', 'readyz']) {
        const { status } = await fetch(`http://127.0.0.1:${manifested.env.RIGEL_OPS_PORT}/${probe}`);
        t.equal(status, 200, `${manifested.name}: ${probe}`);
      }
    }
    const lines: string[] = [];
    const made = await rigel(
      ['token', 'create', '--name', 'ann', '--role', 'admin', '--json'],
      { DATABASE_URL: stack.databaseUrl },
      { out: (line) => lines.push(line), note: (line) => t.comment(line) },
    );
    t.equal(made, 0, 'the gateway asks for a token, which the command line makes');
    const { token } = JSON.parse(lines.join('')) as { token: string };
    const fleet = new Fleet(new ApiClient(`http://127.0.0.1:${httpPort}`, undefined, `Bearer ${token}`));
    const nodes = loopbackNodes(2, sshd.port);
    await fleet.pool(nodes);
    const task = await fleet.startTask(await fleet.template({ greet: { command: 'echo hello' } }), nodes);
    t.match(await fleet.ended(task), { state: 2, stat: [0, 0, 2, 0, 0] }, 'a task runs on nodes');

    for (const { manifested, child, output } of running) {
      t.equal(
        await stopAsManifested(child, manifested.graceMs),
        0,
        `${manifested.name} ends in its grace period`,
      );
      t.notMatch(
        output.join(''),
        /EROFS|EACCES|read-only/i,
        `${manifested.name} writes nowhere that it may not`,
      );
    }
  },
);
