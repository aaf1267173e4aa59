import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@rigel/clock';
import type { TaskPlan } from '@rigel/contracts';
import { type Sshd, type SshdOptions, startSshd } from '@rigel/remote-attempt/testing';
import { silentLogger, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import type { RunInstruction } from '../step-runner.js';
import { NO_SECRETS, planOf, settingsFor, toRun } from '../testing/ssh-runs.js';
import { JumpHost } from './jump-host.js';
import { type NodeAccess, type SshSettings, sshAccess } from './node-access.js';
import { NodeConnections } from './node-connections.js';
import { SshRunner } from './ssh-runner.js';

const until = (what: string, check: () => boolean | Promise<boolean>) => waitFor(check, { what });

async function serve(t: Test, options: SshdOptions): Promise<Sshd> {
  const sshd = await startSshd(options);
  t.teardown(() => sshd.stop());
  return sshd;
}

/** Somebody who comes, takes one place of those that are not logged in yet, and stays until `leave`. */
async function takePlace(t: Test, sshd: Sshd): Promise<{ leave: () => void }> {
  for (;;) {
    const guest = connectSocket(sshd.port, '127.0.0.1');
    guest.on('error', () => undefined);
    t.teardown(() => guest.destroy());
    const greeting = await new Promise<string>((resolve) => {
      guest.once('data', (data) => resolve(data.toString()));
      guest.once('close', () => resolve(''));
    });
    if (greeting.startsWith('SSH-')) return { leave: () => guest.destroy() };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A plan that is of no other run: its attempts have names of their own on the nodes. */
const planOfItsOwn = (text: string): TaskPlan =>
  planOf(randomUUID(), text, { retry: { retry_times: 1, ignore_error: false } });

interface Node {
  sshd: Sshd;
  ip?: string;
  runId?: number;
  text?: string;
  retryMs?: number;
  access?: NodeAccess;
  more?: Partial<SshSettings['connection']>;
}

/** A run on a node. */
function runOn(
  t: Test,
  { sshd, ip = '127.0.0.1', runId = 1, text = 'true', retryMs = 60_000, access, more }: Node,
) {
  const waits: (string | undefined)[] = [];
  const output: Buffer[] = [];
  let tries = 0;
  const given = access ?? sshAccess;
  const runner = new SshRunner(
    { runId, plan: planOfItsOwn(text), node: { ip, vmId: '', hostKey: null } },
    settingsFor(sshd, { connectRetryMs: retryMs, ...(more === undefined ? {} : { connection: more }) }),
    {
      ...given,
      connect: (...request) => {
        tries++;
        return given.connect(...request);
      },
    },
    systemClock,
    NO_SECRETS,
    silentLogger,
  );
  t.teardown(() => runner.close(false));
  const stop = new AbortController();
  const abandon = new AbortController();
  const run = async (instruction: Partial<RunInstruction> = {}) => {
    const { result } = await runner.run(
      toRun({ timeout_ms: 600_000, ...instruction }),
      (_, data) => output.push(Buffer.from(data)),
      {
        stop: stop.signal,
        abandon: abandon.signal,
        onWait: (what) => waits.push(what),
      },
    );
    return result;
  };
  return {
    runner,
    run,
    stop,
    abandon,
    waits,
    /** What it waits for now. */
    waitsFor: () => waits.at(-1),
    output: () => Buffer.concat(output).toString(),
    tries: () => tries,
  };
}

t.test('nodes behind one server that admits one at a time all come through', async (t) => {
  const sshd = await serve(t, { listenAddress: '0.0.0.0', extraConfig: 'MaxStartups 1' });
  const runs = Array.from({ length: 12 }, (_, index) =>
    runOn(t, { sshd, ip: `127.0.13.${index + 1}`, runId: index + 1, retryMs: 300_000 }),
  );
  const results = await Promise.all(runs.map(({ run }) => run()));
  t.same(
    results.map(({ status, reason }) => ({ status, reason })),
    runs.map(() => ({ status: 'succeeded', reason: '' })),
  );
  const tries = runs.reduce((sum, one) => sum + one.tries(), 0);
  t.ok(tries > runs.length, `some were turned away (${tries} tries)`);
});

t.test('a run that waits for a full node says so, and goes on when there is room', async (t) => {
  const sshd = await serve(t, { extraConfig: 'MaxStartups 1' });
  const guest = await takePlace(t, sshd);
  const { run, waits, waitsFor, tries } = runOn(t, { sshd });
  const running = run();
  await until('it was turned away twice', () => tries() > 2);
  t.match(waitsFor(), /^it has no connection: 127\.0\.0\.1:\d+: .*(closed|reset).*: Exceeded MaxStartups$/);
  for (const what of waits.slice(1))
    t.match(what, /: Exceeded MaxStartups$/, 'it is not connecting in between');
  guest.leave();
  t.match(await running, { status: 'succeeded' });
  t.equal(waitsFor(), undefined);
});

t.test('it is not tried for longer than it may be', async (t) => {
  const sshd = await serve(t, { extraConfig: 'MaxStartups 1' });
  await takePlace(t, sshd);
  const never = runOn(t, { sshd, retryMs: 0 });
  t.match(await never.run(), { status: 'failed', reason: /: Exceeded MaxStartups$/ });
  t.equal(never.tries(), 1);
  const short = runOn(t, { sshd, retryMs: 600 });
  t.match(await short.run(), {
    status: 'failed',
    reason: /: Exceeded MaxStartups; the executor tried again for \d+ s$/,
    may_run: undefined,
  });
  t.ok(short.tries() > 1);
});

t.test('a stop, the time limit and an executor that takes over end the wait', async (t) => {
  const sshd = await serve(t, { extraConfig: 'MaxStartups 1' });
  await takePlace(t, sshd);
  const stopped = runOn(t, { sshd, retryMs: 3_600_000 });
  const stopping = stopped.run();
  await until('it was turned away', () => stopped.tries() > 1);
  stopped.stop.abort();
  t.match(await stopping, { status: 'stopped', reason: '' });

  const late = runOn(t, { sshd, retryMs: 3_600_000 });
  t.match(await late.run({ timeout_ms: 1_000 }), {
    status: 'failed',
    reason: 'the attempt took longer than 1 s: the node had not been reached',
    may_run: undefined,
  });

  const left = runOn(t, { sshd, retryMs: 3_600_000 });
  const leaving = left.run();
  await until('it was turned away', () => left.tries() > 1);
  left.abandon.abort(new Error('somebody else has it'));
  await t.rejects(leaving, { message: 'somebody else has it' });
});

t.test('a failure that waiting does not change fails the attempt at once', async (t) => {
  const [sshd, other] = [await serve(t, {}), await serve(t, {})];
  const gone = await startSshd();
  await gone.stop();
  for (const [node, reason] of [
    [{ sshd, more: { privateKey: other.privateKey } }, /refused the SSH key/],
    [{ sshd, more: { hostKeyPolicy: 'strict' as const } }, /is not known/],
    [{ sshd: gone }, /connection refused/],
  ] as const) {
    const { run, tries } = runOn(t, node);
    t.match(await run(), { status: 'failed', reason });
    t.equal(tries(), 1, String(reason));
  }
  const silent: Server = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise((resolve) => silent.close(resolve)));
  silent.on('connection', (socket: Socket) => t.teardown(() => socket.destroy()));
  const port = (silent.address() as { port: number }).port;
  const { run, tries } = runOn(t, { sshd: { ...sshd, port }, more: { connectTimeoutMs: 100 } });
  t.match(await run(), { status: 'failed', reason: /no answer in 0\.1 s/ });
  t.equal(tries(), 1);
});

t.test('nodes behind a jump host that is full', async (t) => {
  const node = await serve(t, { listenAddress: '0.0.0.0' });
  const bastion = await serve(t, { extraConfig: 'MaxStartups 1' });
  const guest = await takePlace(t, bastion);
  const jump = new JumpHost(
    { host: '127.0.0.1', port: bastion.port, hostKey: bastion.hostKey },
    {
      user: bastion.user,
      privateKey: bastion.privateKey,
      hostKeyPolicy: 'strict',
      connectTimeoutMs: 20_000,
      keepaliveIntervalMs: 10_000,
      keepaliveCountMax: 3,
    },
    silentLogger,
  );
  t.teardown(() => jump.close());
  const more = { dial: jump.dial.bind(jump) };
  const runs = [1, 2, 3].map((n) =>
    runOn(t, { sshd: node, ip: `127.0.13.${n}`, runId: n, more, retryMs: 300_000 }),
  );
  const running = runs.map(({ run }) => run());
  for (const { tries, waitsFor } of runs) {
    await until('it was turned away', () => tries() > 1);
    t.match(waitsFor(), /it has no connection: jump host: 127\.0\.0\.1:\d+: .*: Exceeded MaxStartups$/);
  }
  guest.leave();
  for (const result of await Promise.all(running)) t.match(result, { status: 'succeeded' });
});

t.test('a retried attempt logs in again, even if a connection is kept', async (t) => {
  const sshd = await serve(t, {});
  const kept = new NodeConnections({ idleMs: 60_000, keptDays: 0, log: silentLogger });
  t.teardown(() => kept.close());
  const access = kept.over(sshAccess);
  // Our own port, which is another one for each connection.
  const text = 'echo "$SSH_CONNECTION" | cut -d " " -f 2; exit 7';
  const { run, output, runner } = runOn(t, { sshd, text, access });
  t.match(await run(), { status: 'failed', exit_code: 7 });
  t.match(await run({ attempt: 2 }), { status: 'failed', exit_code: 7 });
  const [first, second, ...rest] = output().trim().split('\n');
  t.not(first, second, 'another login');
  t.same(rest, []);
  runner.close(true);
  await until('the connection is kept', async () => {
    const other = runOn(t, { sshd, text, access });
    await other.run();
    other.runner.close(true);
    return other.output().trim() !== '';
  });
  const elsewhere = runOn(t, { sshd, text, access });
  t.match(await elsewhere.run({ attempt: 2 }), { status: 'failed', exit_code: 7 });
  t.notMatch([first, second], [elsewhere.output().trim()]);
});

/** A way to a server that can be cut, and that can stop to bring anything. */
async function breakableWay(t: Test, sshd: Sshd) {
  const pairs = new Set<[Socket, Socket]>();
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) {
      socket.destroy();
      return;
    }
    const far = connectSocket(sshd.port, '127.0.0.1');
    const pair: [Socket, Socket] = [socket, far];
    pairs.add(pair);
    for (const end of pair)
      end
        .on('error', () => undefined)
        .on('close', () => {
          pairs.delete(pair);
          for (const one of pair) one.destroy();
        });
    socket.pipe(far);
    far.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    isCut = true;
    for (const [socket] of pairs) socket.destroy();
  };
  t.teardown(() => {
    cut();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as { port: number }).port,
    cut,
    mend: () => {
      isCut = false;
    },
    silence: () => {
      for (const [socket, far] of pairs) far.unpipe(socket);
    },
    speak: () => {
      for (const [socket, far] of pairs) far.pipe(socket);
    },
  };
}

t.test('when a connection breaks in the middle of a step, the attempt says that it waits', async (t) => {
  const sshd = await serve(t, {});
  const way = await breakableWay(t, sshd);
  const { run, waitsFor, waits, output } = runOn(t, {
    sshd: { ...sshd, port: way.port },
    text: 'echo begun; while [ ! -e go ]; do sleep 0.1; done; echo done',
    more: { keepaliveIntervalMs: 500, keepaliveCountMax: 1_000 },
  });
  const running = run();
  await until('the command runs', () => output().includes('begun'));
  t.equal(waitsFor(), undefined);

  way.silence();
  await until('the node is silent', () => waitsFor() === 'the node does not answer any more');
  way.speak();
  await until('it goes on', () => waitsFor() === undefined);

  way.cut();
  await until('there is no connection', () => /^it has no connection: /.test(waitsFor() ?? ''));
  way.mend();
  await until('it is connected again', () => waitsFor() === undefined);
  await writeFile(join(sshd.home, 'go'), '');
  t.match(await running, { status: 'succeeded' }, waits.join('; '));
  t.match(output(), /^begun\ndone\n$/);
});
