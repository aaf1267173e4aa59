import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import {
  answeredBy,
  OPERATIONS,
  PARTICIPANTS,
  type Participant,
  permissionsOf,
  runtimeRole,
  WORK_STREAM,
} from '@rigel/contracts';
import { run as rigel } from '@rigel/database-cli';
import { REPOSITORY_DIR } from '@rigel/local';
import { findFreePort } from '@rigel/local-servers';
import { waitFor } from '@rigel/testing';
import { connect, ErrorCode, type NatsConnection, NatsError } from 'nats';
import pg from 'pg';
import t from 'tap';
import type { ApiClient } from '../support/api.js';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { natsRefusals, type Rig, startRig } from '../support/rig.js';

/*
 * The whole system as it runs in production: NATS with a user for each service, its permissions, and encryption; PostgreSQL
 * with a role for each service; HTTPS; requests need a token. First the main job, then what each part's credentials must not be good for.
 */

let rig: Rig;
let api: ApiClient;
let metricsPort: number;
t.before(async () => {
  metricsPort = await findFreePort();
  rig = await startRig({
    apart: true,
    secured: true,
    env: { gateway: { RIGEL_ACCESS: 'on' }, scheduler: { RIGEL_OPS_PORT: String(metricsPort) } },
  });
  api = rig.client(`Bearer ${firstToken()}`);
});
t.teardown(() => rig?.stop());

/** Made as an administrator makes it: on that machine, with nothing but the data folder to go by. */
function firstToken(): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(REPOSITORY_DIR, 'deploy', 'cli', 'dist', 'main.js'),
      ...'token create --name ann --role admin'.split(' '),
    ],
    { encoding: 'utf8', env: { PATH: process.env.PATH, RIGEL_DATA_DIR: rig.dataDir } },
  );
  if (status !== 0) throw new Error(`rigel token create: ${stderr}`);
  return stdout.trim();
}

/** What is said before TLS begins. */
type Greeting = 'none' | 'nats' | 'postgres';

const HANDED_OUT_MS = 5_000;

const natsFolder = () => join(rig.dataDir, 'secured', 'nats');

t.test('the main job: inventory, a task over SSH, its events live, and the history agrees', async (t) => {
  const { sshd, stack } = rig;
  const fleet = new Fleet(api);
  t.match(stack.httpUrl, /^https:/);
  t.match(await rig.api.call('/task/list'), { status: 401 }, 'no token');
  const nodes = loopbackNodes(6, sshd.port);
  const { poolId } = await fleet.pool(nodes);
  // Scripts that are together larger than what NATS takes in one message: they go over the subjects of bodies.
  const script = `#!/bin/sh\n${'# filling\n'.repeat(60_000)}echo done on $SSH_CONNECTION\n`;
  const template = await fleet.template({
    first: { command: 'echo "$3 first"' },
    long: { command: script, script: true },
    longer: { command: script, script: true },
  });
  const id = await fleet.startTask(template, nodes);
  const live = await api.fetch(`${api.url}/task/${id}/events`, { headers: api.headers });
  const task = await fleet.ended(id, 60_000);
  t.match(task, { opr_user: 'ann', state: 2, end_reason: 'completed', stat: [0, 0, 6, 0, 0] });
  const events = await live.text();
  t.match(events, /event: task_finished/);
  t.equal(events.match(/event: step_succeeded/g)?.length, 18);
  await waitFor(
    async () => {
      const { data } = await api.call<{ state: number }[]>(`/pool/${poolId}/list_nodes?page_size=100`);
      return data.filter(({ state }) => state === 2).length === 6;
    },
    { what: 'the inventory follows the scheduler' },
  );
  const lines: string[] = [];
  const output = {
    out: (line: string) => void lines.push(line),
    note: (line: string) => void lines.push(line),
  };
  t.equal(await rigel(['verify'], { RIGEL_DATA_DIR: rig.dataDir }, output), 0, lines.join('\n'));
});

t.test('it ran without one refusal by NATS, and tells how deep the queue of work is', async (t) => {
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  t.match(metrics, /^# TYPE rigel_work_queue_depth gauge$/m);
  t.same(await natsRefusals(rig.dataDir), []);
});

async function connectAs(participant: Participant): Promise<NatsConnection> {
  return connect({
    servers: rig.stack.natsUrl,
    user: participant,
    pass: await readFile(join(natsFolder(), `${participant}.password`), 'utf8'),
    tls: { caFile: rig.stack.caFile as string },
    inboxPrefix: `_INBOX.${participant}`,
    reconnect: false,
  });
}

/** What the server says to each subject: the ones it refuses. */
async function refusedOf(
  nats: NatsConnection,
  kind: 'publish' | 'subscribe',
  subjects: readonly string[],
): Promise<Set<string>> {
  const refused = new Set<string>();
  // Goes on until the process ends.
  void (async () => {
    for await (const { type, permissionContext } of nats.status() as AsyncIterable<{
      type: string;
      permissionContext?: { subject: string };
    }>) {
      if (type === 'error' && permissionContext) refused.add(permissionContext.subject);
    }
  })();
  for (const subject of subjects) {
    if (kind === 'publish') nats.publish(subject);
    else {
      nats.subscribe(subject, {
        callback: (error) => {
          if (error instanceof NatsError && error.code === ErrorCode.PermissionsViolation)
            refused.add(subject);
        },
      });
    }
  }
  await nats.flush();
  // All refusals have arrived by then; the client hands them out one by one.
  const deadline = Date.now() + HANDED_OUT_MS;
  while (refused.size < new Set(subjects).size && Date.now() < deadline) await sleep(10);
  await nats.close();
  return refused;
}

const words = (subject: string): string =>
  subject.replaceAll('{partition}', '3').replaceAll('*', 'x').replace('>', 'x');

for (const participant of PARTICIPANTS) {
  t.test(`NATS refuses ${participant} all that is not its own`, async (t) => {
    const own = permissionsOf(participant);
    const others = PARTICIPANTS.filter((other) => other !== participant);
    const may = (allowed: readonly string[], subject: string): boolean =>
      allowed.some((pattern) => matches(pattern, subject));

    const calls = OPERATIONS.map(({ subject }) => words(subject));
    const toPublish = [
      ...calls,
      ...others.flatMap((other) => permissionsOf(other).publish.map(words)),
      ...others.map((other) => `_INBOX.${other}.guessed`),
      `$JS.API.STREAM.DELETE.${WORK_STREAM}`,
      `$JS.API.STREAM.PURGE.${WORK_STREAM}`,
      `$JS.API.CONSUMER.DELETE.${WORK_STREAM}.ssh`,
      '$SYS.REQ.SERVER.PING',
      'elsewhere',
    ].filter((subject) => !may(own.publish, subject));
    t.same(await refusedOf(await connectAs(participant), 'publish', toPublish), new Set(toPublish));

    const toHear = [
      ...OPERATIONS.filter((rpc) => !answeredBy(participant).includes(rpc)).map(({ subject }) =>
        words(subject),
      ),
      ...others.flatMap((other) => permissionsOf(other).subscribe.map(words)),
      '>',
      'rigel.>',
      '_INBOX.>',
      '$SYS.>',
      'rigel.work.ssh',
    ].filter((subject) => !may(own.subscribe, subject));
    t.same(await refusedOf(await connectAs(participant), 'subscribe', toHear), new Set(toHear));
  });
}

/** Whether a subject is within a pattern of NATS. */
function matches(pattern: string, subject: string): boolean {
  const parts = subject.split('.');
  const wanted = pattern.split('.');
  for (const [index, part] of wanted.entries()) {
    if (part === '>') return parts.length > index;
    if (parts[index] === '*' || parts[index] === '>' || (part !== '*' && part !== parts[index])) return false;
  }
  return parts.length === wanted.length;
}

t.test('an executor takes work, claims, reports, and nothing else', async (t) => {
  const nats = await connectAs('executor');
  t.teardown(() => nats.close());
  const manager = await nats.jetstreamManager({ checkAPI: false, timeout: 500 });
  t.match(await manager.consumers.info(WORK_STREAM, 'ssh'), { name: 'ssh' });
  await t.rejects(manager.streams.delete(WORK_STREAM));
  await t.rejects(manager.consumers.delete(WORK_STREAM, 'ssh'));
  await t.rejects(manager.consumers.add(WORK_STREAM, { durable_name: 'spy' }));
  for (const subject of [
    'rigel.inventory.node.list',
    'rigel.scheduler.task.create',
    'rigel.scheduler.task.stop',
  ]) {
    await t.rejects(nats.request(subject, '{}', { timeout: 500 }), subject);
  }
});

t.test('nobody gets in without the right password, or unencrypted', async (t) => {
  const servers = rig.stack.natsUrl;
  const tls = { caFile: rig.stack.caFile as string };
  await t.rejects(connect({ servers, tls, reconnect: false, maxReconnectAttempts: 0 }), 'no user');
  await t.rejects(
    connect({ servers, tls, user: 'scheduler', pass: 'guessed', reconnect: false, maxReconnectAttempts: 0 }),
    'a wrong password',
  );
  const pass = await readFile(join(natsFolder(), 'scheduler.password'), 'utf8');
  await t.rejects(
    connect({ servers, user: 'scheduler', pass, reconnect: false, maxReconnectAttempts: 0 }),
    'the certificate is of an authority that nobody knows',
  );
  const plain = new URL(rig.stack.databaseUrl);
  plain.search = '';
  const client = new pg.Client({ connectionString: plain.href });
  await t.rejects(client.connect(), /no encryption/);
});

async function connectToDatabase(role: string): Promise<pg.Client> {
  const url = new URL(rig.stack.databaseUrl);
  url.username = role;
  url.password = await readFile(join(rig.dataDir, 'secured', 'database', role), 'utf8');
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

const SCHEMAS = ['inventory', 'catalog', 'scheduler', 'access'];

for (const schema of SCHEMAS) {
  t.test(`the database lets ${schema} use its own schema and no other`, async (t) => {
    const client = await connectToDatabase(runtimeRole(schema));
    t.teardown(() => client.end());
    const refused = (statement: string) => t.rejects(client.query(statement), { code: '42501' }, statement);
    await client.query(`SELECT * FROM ${schema}.events LIMIT 1`);
    for (const other of SCHEMAS.filter((each) => each !== schema)) {
      await refused(`SELECT * FROM ${other}.events`);
      await refused(`INSERT INTO ${other}.event_head VALUES (true, 0)`);
      await refused(`CREATE TABLE ${other}.mine (a int)`);
      await refused(`SET ROLE ${runtimeRole(other)}`);
    }
    await refused(`UPDATE ${schema}.events SET data = '{}'`);
    await refused(`DELETE FROM ${schema}.events`);
    await refused(`TRUNCATE ${schema}.events`);
    await refused(`DROP TABLE ${schema}.events`);
    await refused(`CREATE TABLE ${schema}.mine (a int)`);
    await refused('CREATE SCHEMA mine');
    await refused('CREATE TABLE public.mine (a int)');
    await refused('SELECT * FROM pg_authid');
    await refused(`SET ROLE rigel_${schema}_owner`);
  });
}

/** What a client that speaks only this gets from a server: the suite that was agreed on, or the error's code. */
async function handshake(port: number, greeting: Greeting, options: ConnectionOptions): Promise<string> {
  const plain = createConnection({ host: '127.0.0.1', port });
  try {
    await once(plain, 'connect');
    if (greeting === 'nats') await once(plain, 'data');
    if (greeting === 'postgres') {
      plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])); // SSLRequest
      const [answer] = (await once(plain, 'data')) as [Buffer];
      if (answer.toString() !== 'S') return `answered ${answer}`;
    }
    const secure = connectTls({ ...options, socket: plain, rejectUnauthorized: false });
    return await new Promise<string>((resolve) => {
      secure.once('secureConnect', () => resolve(secure.getCipher().standardName));
      secure.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      secure.once('close', () => resolve('closed'));
    });
  } finally {
    plain.destroy();
  }
}

t.test('of TLS 1.2 no server takes CBC, or a key exchange by the certificate', async (t) => {
  const { stack } = rig;
  const servers: [Greeting, number][] = [
    ['none', Number(new URL(stack.httpUrl).port)],
    ['nats', Number(new URL(stack.natsUrl).port)],
    ['postgres', Number(new URL(stack.databaseUrl).port)],
  ];
  const only = (ciphers: string, version: 'TLSv1.1' | 'TLSv1.2') => ({
    ciphers: `${ciphers}:@SECLEVEL=0`,
    minVersion: version,
    maxVersion: version,
  });
  for (const [greeting, port] of servers) {
    for (const suite of ['AES128-SHA', 'AES256-SHA', 'AES128-SHA256', 'AES256-SHA384']) {
      const refused = await handshake(
        port,
        greeting,
        only(`ECDHE-ECDSA-${suite}:ECDHE-RSA-${suite}`, 'TLSv1.2'),
      );
      t.match(refused, /ERR_SSL|ECONNRESET|closed/, `${greeting} ${suite}: ${refused}`);
    }
    for (const [what, options] of [
      ['RSA key exchange', only('AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA', 'TLSv1.2')],
      ['TLS 1.1', only('ALL', 'TLSv1.1')],
    ] as const) {
      const refused = await handshake(port, greeting, options);
      t.match(refused, /ERR_SSL|ECONNRESET|closed/, `${greeting} ${what}: ${refused}`);
    }
    t.match(await handshake(port, greeting, { maxVersion: 'TLSv1.2' }), /^TLS_ECDHE_.*(GCM|CHACHA20)/);
    t.match(await handshake(port, greeting, {}), /^TLS_(AES|CHACHA20)/, `${greeting} speaks TLS 1.3`);
  }
});

t.test('secrets are in no log and no command line', async (t) => {
  const secrets = await Promise.all(
    [
      ...PARTICIPANTS.map((participant) => join(natsFolder(), `${participant}.password`)),
      ...SCHEMAS.map((schema) => join(rig.dataDir, 'secured', 'database', runtimeRole(schema))),
    ].map((file) => readFile(file, 'utf8')),
  );
  for (const { name, logFile, pid } of rig.stack.processes) {
    const seen =
      (await readFile(logFile, 'utf8')) + (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
    t.notOk(
      secrets.some((secret) => seen.includes(secret)),
      name,
    );
  }
});

t.test('a restart of everything finds its passwords and its data again', async (t) => {
  for (const name of ['nats', 'postgres', 'scheduler', 'gateway']) rig.stack.kill(name, 'SIGKILL');
  await waitFor(
    async () => (await api.call('/readyz', undefined, 'GET').catch(() => ({ status: 0 }))).status === 200,
    { what: 'everything is ready again', timeoutMs: 60_000 },
  );
  const nodes = loopbackNodes(8, rig.sshd.port).slice(6);
  const fleet = new Fleet(api);
  await fleet.pool(nodes);
  const id = await fleet.startTask(await fleet.template({ again: { command: 'true' } }), nodes);
  t.match(await fleet.ended(id, 60_000), { state: 2 });
});
