import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from '@nats-io/jwt';
import { REPOSITORY_DIR } from '@rigel/local';
import { ensureNatsServer, findFreePort, startNats } from '@rigel/local-servers';
import { makeAuthority, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';

/*
 * How a process proves to NATS who it is, beside user and password (secured.test.ts): by a certificate, and by a
 * credentials file. With a gateway, which needs nothing but NATS.
 */

const folder = await mkdtemp(join(tmpdir(), 'rigel-nats-credentials-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
const binary = await ensureNatsServer({
  cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel'),
  log: t.comment,
});

/** A NATS server with this configuration. */
async function nats(t: Test, name: string, configuration: string): Promise<string> {
  const configFile = join(folder, `${name}.conf`);
  await writeFile(configFile, configuration);
  const server = await startNats({
    binary,
    storeDir: join(folder, name),
    logFile: join(folder, `${name}.log`),
    configFile,
  });
  t.teardown(() => server.stop());
  return server.url;
}

interface Gateway {
  process: ChildProcess;
  log: () => string;
  /** What its operations server says: the check of NATS. */
  says(): Promise<{ ready: boolean; nats: unknown }>;
}

async function gateway(t: Test, env: Record<string, string>): Promise<Gateway> {
  const port = await findFreePort();
  const main = join(REPOSITORY_DIR, 'services', 'gateway', 'dist', 'main.js');
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, RIGEL_HTTP_PORT: '0', RIGEL_OPS_PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  return {
    process: child,
    log: () => log,
    says: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      const { checks } = (await response.json()) as { checks: Record<string, unknown> };
      return { ready: response.status === 200, nats: checks.nats };
    },
  };
}

const isReady = (gateway: Gateway): Promise<unknown> =>
  waitFor(async () => (await gateway.says().catch(() => undefined))?.ready, {
    what: 'the gateway is ready',
    timeoutMs: 30_000,
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${gateway.log()}`);
  });

/** It is refused by the server of this name, stays alive, and is not ready. */
async function isRefused(t: Test, gateway: Gateway, server: string, why: RegExp): Promise<void> {
  await waitFor(async () => why.test(await readFile(join(folder, `${server}.log`), 'utf8')), {
    what: 'the server refuses it',
  });
  t.match(await gateway.says(), { ready: false, nats: 'not connected yet' });
}

t.test('a certificate', async (t) => {
  const authority = await makeAuthority(folder);
  const [server, client] = [await authority.issue('server'), await authority.issue('client')];
  const NATS_URL = await nats(
    t,
    'certificates',
    `tls { cert_file: "${server.certFile}", key_file: "${server.keyFile}", ca_file: "${authority.caFile}", verify: true }`,
  );
  const RIGEL_NATS_CA_FILE = authority.caFile;
  const [own, none] = await Promise.all([
    gateway(t, {
      NATS_URL,
      RIGEL_NATS_CA_FILE,
      RIGEL_NATS_CERT_FILE: client.certFile,
      RIGEL_NATS_KEY_FILE: client.keyFile,
    }),
    gateway(t, { NATS_URL, RIGEL_NATS_CA_FILE }),
  ]);
  await isReady(own);
  await isRefused(t, none, 'certificates', /client didn't provide a certificate/);
});

const UNLIMITED = {
  conn: -1,
  leaf: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  subs: -1,
  data: -1,
  payload: -1,
};

t.test('a credentials file', async (t) => {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
  const systemId = system.getPublicKey();
  const tokens = {
    operator: await encodeOperator('rigel', operator, { system_account: systemId }),
    account: await encodeAccount('rigel', account, { limits: UNLIMITED }, { signer: operator }),
    system: await encodeAccount('system', system, {}, { signer: operator }),
  };
  const NATS_URL = await nats(
    t,
    'credentials',
    `operator: ${tokens.operator}
     system_account: ${systemId}
     resolver: MEMORY
     resolver_preload: { ${account.getPublicKey()}: ${tokens.account}, ${systemId}: ${tokens.system} }`,
  );
  const credentials = async (name: string, issuer = account): Promise<string> => {
    const user = createUser();
    const file = join(folder, `${name}.creds`);
    await writeFile(file, fmtCreds(await encodeUser(name, user, issuer), user), { mode: 0o600 });
    return file;
  };
  const [own, strange] = await Promise.all([
    gateway(t, { NATS_URL, RIGEL_NATS_CREDENTIALS_FILE: await credentials('gateway') }),
    gateway(t, { NATS_URL, RIGEL_NATS_CREDENTIALS_FILE: await credentials('stranger', createAccount()) }),
  ]);
  await isReady(own);
  await isRefused(t, strange, 'credentials', /authentication error/);
});

t.test('settings that do not fit together', async (t) => {
  const file = join(folder, 'some.file');
  await writeFile(file, '');
  const cases: [Record<string, string>, string][] = [
    [
      { RIGEL_NATS_CREDENTIALS_FILE: join(folder, 'none') },
      `RIGEL_NATS_CREDENTIALS_FILE is wrong: ENOENT: no such file or directory, access '${join(folder, 'none')}'`,
    ],
    [
      { RIGEL_NATS_CERT_FILE: file },
      'RIGEL_NATS_CERT_FILE is set and RIGEL_NATS_KEY_FILE is not: set both or neither',
    ],
    [
      { RIGEL_NATS_CERT_FILE: file, RIGEL_NATS_KEY_FILE: file },
      'RIGEL_NATS_CERT_FILE is wrong: RIGEL_NATS_CA_FILE is not set',
    ],
    [
      { RIGEL_NATS_USER: 'gateway', RIGEL_NATS_PASSWORD_FILE: file, RIGEL_NATS_CREDENTIALS_FILE: file },
      'RIGEL_NATS_CREDENTIALS_FILE is wrong: RIGEL_NATS_USER is set as well',
    ],
  ];
  for (const [env, message] of cases) {
    const wrong = await gateway(t, { NATS_URL: 'nats://127.0.0.1:1', RIGEL_OPS_PORT: '0', ...env });
    const status = await new Promise((resolve) => wrong.process.once('close', resolve));
    t.equal(status, 1);
    t.equal(wrong.log(), `gateway: ${message}\n`);
  }
});
