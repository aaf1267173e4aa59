import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ReceivedEvent, readEventStream, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

t.test('live streams of the whole system', async (t) => {
  const rig = await startRig({
    apart: true,
    schedulers: 2,
    env: { scheduler: { RIGEL_RETRY_DELAY: '0.1' } },
    backoff: { firstMs: 200, maxMs: 1_000, resetAfterMs: 60_000 },
  });
  t.teardown(() => rig.stop());
  await t.test('output of a running command, with a place to go on from', (t) => follows(t, rig));
  await t.test('output over the limit is followed on, and the log has its end', (t) => overTheLimit(t, rig));
  await t.test('a failed attempt, and the whole text is that of the log', (t) => retries(t, rig));
  await t.test('a paused task stays open, a stopped one ends', (t) => pausing(t, rig));
  await t.test('a gateway dies, a scheduler dies, NATS dies: nothing missing, nothing twice', (t) =>
    dying(t, rig),
  );
});

t.test('a thousand nodes, and a viewer that is slow', async (t) => {
  const rig = await startRig({
    env: { executor: { RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop' } },
  });
  t.teardown(() => rig.stop());
  await thousand(t, rig);
});

/** A gateway beside the one of the stack. */
async function startGateway(t: Test, rig: Rig): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [join(REPOSITORY, 'services/gateway/dist/main.js')], {
    env: { ...rig.environment('gateway'), RIGEL_SERVICE_NAME: 'gateway-2', RIGEL_HTTP_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  const found = await waitFor(() => /Server listening at (https?:[^"]+)/.exec(out) ?? undefined, {
    what: 'a second gateway listens',
    timeoutMs: 30_000,
  });
  return { url: found[1] ?? '', process: child };
}

/** Takes in a stream as it comes, until it ends or breaks. */
function watch(t: Test, { ca }: Rig, url: string, lastEventId?: string) {
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const events: ReceivedEvent[] = [];
  const ended = (async () => {
    for await (const event of readEventStream(url, { lastEventId, signal: leaving.signal, ca }))
      events.push(event);
  })();
  ended.catch(() => undefined);
  return { events, ended };
}

const textOf = (events: readonly ReceivedEvent[]): string =>
  events
    .filter(({ event }) => event === 'output')
    .map(({ data }) => String(data.text))
    .join('');

function expectGapless(t: Test, events: readonly ReceivedEvent[]): void {
  const last = events.length - 1;
  t.strictSame(
    events.map(({ id }) => id),
    [...Array.from({ length: last }, (_, index) => String(index + 1)), `${last}-end`],
    'every event once, in order',
  );
}

async function firstRun(rig: Rig, taskId: number): Promise<number> {
  const [run] = await rig.api.detail(taskId);
  if (!run) throw new Error(`task ${taskId} has no nodes`);
  return run.id;
}

async function follows(t: Test, rig: Rig): Promise<void> {
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(1, sshd.port, 0);
  await fleet.pool(nodes);
  const template = await fleet.template({
    talk: { command: 'echo eins; while [ ! -e go-on ]; do sleep 0.1; done; printf "zw\\303\\266lf"' },
    quiet: { command: 'true' },
  });
  const id = await fleet.startTask(template, nodes);
  const run = await firstRun(rig, id);
  const address = `${api.url}/task/node/${run}/log?follow=1`;
  const viewer = watch(t, rig, address);
  await waitFor(() => textOf(viewer.events) === 'eins\n', { what: 'output while the command runs' });
  t.match(await api.task(id), { state: 1 });
  const place = viewer.events[0]?.id;
  t.equal(place, '1.1.5');
  const other = await startGateway(t, rig);
  const resumed = watch(t, rig, `${other.url}/task/node/${run}/log?follow=1`, place);
  await writeFile(join(sshd.home, 'go-on'), '');
  await viewer.ended;
  await resumed.ended;
  t.equal(textOf(viewer.events), 'eins\nzwölf');
  t.equal(textOf(resumed.events), 'zwölf');
  t.match(viewer.events.at(-1), { event: 'end', data: { nsid: run, state: 2 } });
  const late = watch(t, rig, address);
  await late.ended;
  t.equal(textOf(late.events), 'eins\nzwölf', 'the same for whoever comes when all is over');
}

async function overTheLimit(t: Test, rig: Rig): Promise<void> {
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(1, sshd.port, 5);
  await fleet.pool(nodes);
  // The first alone is more than half of the limit, which is what is kept of the beginning.
  const parts = ['seq 1 120000', 'echo second', 'seq 1 200000; echo third', 'echo fourth'];
  const command = parts.map((part, index) => `until [ -e over-${index} ]; do sleep 0.1; done; ${part}`);
  const template = await fleet.template({ talk: { command: command.join('; ') } });
  const id = await fleet.startTask(template, nodes);
  const run = await firstRun(rig, id);
  const address = `${api.url}/task/node/${run}/log?follow=1`;
  const viewer = watch(t, rig, address);
  for (const [index, last] of ['120000\n', 'second\n', 'third\n'].entries()) {
    await writeFile(join(sshd.home, `over-${index}`), '');
    await waitFor(() => textOf(viewer.events).endsWith(last), { what: `${last} while the command runs` });
  }
  t.match(await api.task(id), { state: 1 });
  const place = viewer.events.at(-1)?.id;
  await writeFile(join(sshd.home, 'over-3'), '');
  await viewer.ended;
  const seen = textOf(viewer.events);
  t.match(seen, /\n\[rigel: \d+ bytes left out: [^\n]*\]\n/, 'what came too fast for live is told');
  t.ok(seen.endsWith('third\nfourth\n'), 'nothing comes twice');
  const resumed = watch(t, rig, address, place);
  await resumed.ended;
  t.equal(textOf(resumed.events), 'fourth\n');
  const [, log = ''] = (await api.nodeLog(run))[0] ?? [];
  const [begin = '', end = ''] = log.split(/\n\[rigel: \d+ bytes left out: [^\n]*\]\n/);
  t.ok(begin.startsWith('1\n2\n3\n') && begin.length >= 524_288, 'the beginning');
  t.ok(end.length >= 524_288 && log.length < 1_200_000, 'the end');
  t.match(end, /\n199999\n200000\nthird\nfourth\n$/);
  t.equal(end.split('\n').length, new Set(end.split('\n')).size, 'each line once');
}

async function retries(t: Test, rig: Rig): Promise<void> {
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(1, sshd.port, 10);
  await fleet.pool(nodes);
  const template = await fleet.template({
    fine: { command: 'echo fine' },
    bad: { command: 'printf "no end of line"; exit 3', retry: 2 },
  });
  const id = await fleet.startTask(template, nodes);
  const run = await firstRun(rig, id);
  const viewer = watch(t, rig, `${api.url}/task/node/${run}/log?follow=1`);
  const events = watch(t, rig, `${api.url}/task/${id}/events`);
  await Promise.all([viewer.ended, events.ended]);
  const log = await api.nodeLog(run);
  t.equal(textOf(viewer.events), log.map(([, text]) => text).join(''));
  t.match(textOf(viewer.events), /no end of line\n\[attempt 3 failed: exit status 3\]\n$/);
  t.match(viewer.events.at(-1), { event: 'end', data: { state: 3 } });
  expectGapless(t, events.events);
  const failed = events.events.filter(({ event }) => event === 'step_failed');
  t.strictSame(
    failed.map(({ data }) => [data.nsid, data.step_num, data.attempt, data.exit_code, data.next]),
    [
      [run, 2, 1, 3, 'retry'],
      [run, 2, 2, 3, 'retry'],
      [run, 2, 3, 3, 'fail'],
    ],
  );
  t.match(events.events.at(-1), { event: 'end', data: { task_id: id, state: 3, end_reason: 'failed' } });
  t.notMatch(JSON.stringify(events.events), /lease|uuid/);
}

async function pausing(t: Test, rig: Rig): Promise<void> {
  const { api, fleet, sshd } = rig;
  const nodes = loopbackNodes(2, sshd.port, 20);
  await fleet.pool(nodes);
  const template = await fleet.template({
    first: { command: 'sleep 1' },
    endless: { command: 'sleep 600.75' },
  });
  const id = await fleet.startTask(template, nodes);
  const viewer = watch(t, rig, `${api.url}/task/${id}/events`);
  const has = (name: string) => viewer.events.some(({ event }) => event === name);
  await waitFor(() => has('node_taken'), { what: 'the task to work' });
  await api.ok(`/task/pause/${id}`);
  await waitFor(() => has('nodes_halted'), { what: 'the nodes to halt' });
  await api.ok(`/task/start/${id}`);
  await waitFor(() => viewer.events.filter(({ event }) => event === 'task_started').length === 2, {
    what: 'the task to go on',
  });
  await waitFor(async () => (await api.task(id)).stat[1] === 2, { what: 'both nodes at work' });
  await api.ok(`/task/stop/${id}`);
  await viewer.ended;
  expectGapless(t, viewer.events);
  t.equal(viewer.events.filter(({ event }) => event === 'node_released').length, 2, 'until nothing is left');
  t.match(viewer.events.at(-1), { event: 'end', data: { state: 4, end_reason: 'stopped' } });
}

async function dying(t: Test, rig: Rig): Promise<void> {
  const { fleet, sshd, api, stack } = rig;
  const nodes = loopbackNodes(40, sshd.port, 100);
  await fleet.pool(nodes);
  const template = await fleet.template({
    one: { command: 'echo one; sleep 0.3' },
    two: { command: 'echo two; sleep 0.3' },
  });
  const other = await startGateway(t, rig);
  const id = await fleet.startTask(template, nodes, { max_num: 4 });
  const all = watch(t, rig, `${api.url}/task/${id}/events`);
  const first = watch(t, rig, `${other.url}/task/${id}/events`);
  await waitFor(() => first.events.length > 20, { what: 'some events' });
  other.process.kill('SIGKILL');
  await first.ended.catch(() => undefined);
  const seen = [...first.events];
  stack.kill('scheduler-1', 'SIGKILL');
  const rest = watch(t, rig, `${api.url}/task/${id}/events`, seen.at(-1)?.id);
  await waitFor(() => rest.events.length > 20, {
    what: 'events after the scheduler’s end',
    timeoutMs: 60_000,
  });
  stack.kill('nats', 'SIGKILL');
  await waitFor(() => rest.events.length > 60, { what: 'events after the end of NATS', timeoutMs: 60_000 });
  stack.kill('scheduler-2', 'SIGKILL');
  await fleet.ended(id, 120_000);
  await Promise.all([all.ended, rest.ended]);
  expectGapless(t, all.events);
  expectGapless(t, [...seen, ...rest.events]);
  t.strictSame([...seen, ...rest.events], all.events);
  t.equal(all.events.filter(({ event }) => event === 'step_succeeded').length, 80);
}

async function thousand(t: Test, rig: Rig): Promise<void> {
  const { fleet, api, ca } = rig;
  const nodes = loopbackNodes(1_000, 22, 5_000);
  await fleet.pool(nodes);
  const template = await fleet.template({ nothing: { command: 'true', type: 'noop' } });
  const id = await fleet.startTask(template, nodes);
  const address = `${api.url}/task/${id}/events`;
  const viewers = Array.from({ length: 20 }, () => watch(t, rig, address));
  const slow: string[] = [];
  for await (const { id } of readEventStream(address, { ca })) {
    slow.push(id);
    if (slow.length % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(viewers.map(({ ended }) => ended));
  for (const { events } of viewers) {
    if (events.length !== slow.length) t.equal(events.length, slow.length);
  }
  expectGapless(t, viewers[0]?.events ?? []);
  t.ok(slow.length > 3_000, `${slow.length} events`);
  t.strictSame(
    slow,
    viewers[0]?.events.map(({ id }) => id),
  );
}
