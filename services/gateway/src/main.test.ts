import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { inventory } from '@rigel/contracts';
import { findFreePort } from '@rigel/local-servers';
import { startTestServers, waitFor } from '@rigel/testing';
import t from 'tap';
import { answerEverything } from './testing/answers.js';
import { Responders } from './testing/responders.js';
import { cluster } from './testing/rows.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

interface Running {
  process: ChildProcess;
  out: () => string;
  err: () => string;
  /** Exit status. */
  ended: Promise<number | null>;
}

function start(settings: Record<string, string>): Running {
  const child = spawn(process.execPath, [fileURLToPath(new URL('main.js', import.meta.url))], {
    env: { PATH: process.env.PATH, NATS_URL: servers.natsUrl, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  return { process: child, out: () => out, err: () => err, ended };
}

async function addressOf(gateway: Running): Promise<string> {
  const found = await waitFor(() => /Server listening at (http:[^"]+)/.exec(gateway.out()) ?? undefined, {
    what: 'the gateway listens',
    timeoutMs: 30_000,
  });
  return found[1] ?? '';
}

t.test('a wrong setting is one line and status 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const wrong: [Record<string, string>, string][] = [
    [{ RIGEL_TIME_ZONE: 'Mars' }, 'gateway: RIGEL_TIME_ZONE is wrong: Mars (no such time zone)\n'],
    [
      { RIGEL_HTTP_PORT: String(port) },
      `gateway: RIGEL_HTTP_PORT is wrong: ${port} on 127.0.0.1 is in use already\n`,
    ],
    [{ RIGEL_HTTP_PORT: '70000' }, 'gateway: RIGEL_HTTP_PORT is wrong: 70000 (must be <= 65535)\n'],
    [
      { RIGEL_HTTP_HOST: '203.0.113.1', RIGEL_HTTP_PORT: '0' },
      'gateway: RIGEL_HTTP_HOST is wrong: 203.0.113.1 is no address of this machine\n',
    ],
  ];
  for (const [settings, line] of wrong) {
    const gateway = start(settings);
    t.equal(await gateway.ended, 1, JSON.stringify(settings));
    t.equal(gateway.err(), line);
  }
  taken.close();
});

t.test('SIGTERM: no new connections, running requests are answered, status 0', async (t) => {
  const services = new Responders(await servers.startBus('services'));
  answerEverything(services);
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  services.on(inventory.getCluster, async () => {
    await released;
    return cluster;
  });
  const gateway = start({ RIGEL_HTTP_PORT: '0' });
  const address = await addressOf(gateway);
  const running = fetch(`${address}/cluster/2`);
  await waitFor(() => services.last(inventory.getCluster) !== undefined, { what: 'the request arrived' });

  gateway.process.kill('SIGTERM');
  await waitFor(
    () =>
      fetch(`${address}/healthz`).then(
        () => false,
        () => true,
      ),
    { what: 'new connections are refused' },
  );
  release();
  t.strictSame(await (await running).json(), { code: 0, msg: 'success', data: cluster });
  t.equal(await gateway.ended, 0);
  t.equal(gateway.err(), '');
});

t.test('the operations server tells of the process, and ends with it', async (t) => {
  const port = await findFreePort();
  const gateway = start({ RIGEL_HTTP_PORT: '0', RIGEL_OPS_PORT: String(port) });
  const address = await addressOf(gateway);
  const ops = `http://127.0.0.1:${port}`;
  const ready = async (): Promise<{ code: number; body: unknown }> => {
    const response = await fetch(`${ops}/readyz`);
    return { code: response.status, body: await response.json() };
  };
  t.equal((await fetch(`${ops}/healthz`)).status, 200);
  await waitFor(async () => (await ready()).code === 200, { what: 'the gateway is ready' });
  t.strictSame((await ready()).body, { ready: true, checks: { process: 'ok', nats: 'ok' } });
  t.equal((await fetch(`${address}/metrics`)).status, 404, 'nothing of it is in the API');
  t.equal((await fetch(`${ops}/metrics`, { method: 'POST' })).status, 405);
  t.equal((await fetch(`${ops}/elsewhere`)).status, 404);
  const metrics = await fetch(`${ops}/metrics`);
  t.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await metrics.text();
  t.match(text, /^rigel_process_info\{service="gateway"\} 1$/m);
  t.match(text, /^rigel_ready 1$/m);
  t.match(text, /^nodejs_eventloop_lag_seconds /m);

  const second = start({ RIGEL_HTTP_PORT: '0', RIGEL_OPS_PORT: String(port) });
  t.equal(await second.ended, 1);
  t.equal(second.err(), `gateway: RIGEL_OPS_PORT is wrong: ${port} on 127.0.0.1 is in use already\n`);

  await servers.stopNats();
  await waitFor(async () => (await ready()).code === 503, { what: 'it is not ready without NATS' });
  t.strictSame((await ready()).body, {
    ready: false,
    checks: { process: 'ok', nats: 'NATS does not answer' },
  });
  t.equal((await fetch(`${ops}/healthz`)).status, 200, 'it is alive all the same');
  // One that starts now waits for NATS, and can say so.
  const waitingPort = await findFreePort();
  const waiting = start({ RIGEL_HTTP_PORT: '0', RIGEL_OPS_PORT: String(waitingPort) });
  const early = await waitFor(() => fetch(`http://127.0.0.1:${waitingPort}/readyz`).catch(() => undefined), {
    what: 'it answers before it has NATS',
    timeoutMs: 30_000,
  });
  t.equal(early.status, 503);
  t.strictSame(await early.json(), {
    ready: false,
    checks: { process: 'starting', nats: 'not connected yet' },
  });
  await servers.startNats();
  await waitFor(async () => (await ready()).code === 200, { what: 'it is ready again', timeoutMs: 30_000 });

  for (const running of [gateway, waiting]) running.process.kill('SIGTERM');
  t.equal(await gateway.ended, 0);
  await t.rejects(fetch(`${ops}/healthz`), 'it has ended with the process');
});
