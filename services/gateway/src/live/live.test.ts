import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { eventsSubject, live, outputStoredSubject, ServiceError, taskStream } from '@rigel/contracts';
import { type ReceivedEvent, readEventStream, silentLogger, startTestServers, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { reason } from '../answer/reason.js';
import { type AppSettings, buildApp } from '../app.js';
import { testSettings } from '../testing/gateway.js';
import { Responders } from '../testing/responders.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const TASK = 11;
const TIME = 1_501_162_795_123;

/** The scheduler's side of one task, in the hands of the test. */
async function startTask(t: Test, options: { streams?: number; settings?: Partial<AppSettings> } = {}) {
  const bus = await servers.startBus('gateway');
  const wire = await servers.startBus('scheduler');
  const services = new Responders(wire);
  const config = testSettings({ RIGEL_HTTP_STREAMS: options.streams ?? 1_000, ...options.settings });
  const app = await buildApp({ bus, log: silentLogger, config });
  t.teardown(async () => {
    await app.close();
    await Promise.all([bus.close(), wire.close()]);
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const history: { event: string; data: Record<string, unknown> }[] = [];
  const state = { over: false, away: false, asked: 0, position: 0 };
  services.on(live.taskEvents, ({ id, after, limit }) => {
    state.asked++;
    if (state.away) throw new ServiceError('unavailable', 'the database does not answer');
    if (id !== TASK) throw new ServiceError('not_found', `there is no task ${id}`);
    return {
      events: history
        .slice(after, after + limit)
        .map((event, index) => ({ ...event, version: after + index + 1, time: TIME })),
      version: Math.max(1, history.length),
      over: state.over
        ? { state: 2 as const, end_reason: 'completed' as const, stat: [0, 0, 1, 0, 0] }
        : null,
    };
  });
  const told = (version: number) => ({
    position: ++state.position,
    stream: taskStream(TASK),
    version,
    type: 'X',
    schema: 1,
    data: {},
    meta: {},
    recorded_at: TIME,
  });
  /** Records events, and tells of them unless told not to. */
  const record = (count: number, { tell = true, data = {} as Record<string, unknown> } = {}): void => {
    const after = state.position;
    const events = [];
    for (let index = 0; index < count; index++) {
      history.push({ event: 'node_succeeded', data: { n: history.length + 1, ...data } });
      events.push(told(history.length));
    }
    if (tell) wire.publish(eventsSubject('scheduler'), { after, events });
  };
  const open = async (): Promise<number> => {
    const connections = await new Promise<number>((resolve, reject) =>
      app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
    return connections;
  };
  return { app, services, url, wire, state, record, open };
}

/** Takes in a stream; `events` grows as it comes. */
function watch(t: Test, url: string, lastEventId?: string) {
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const events: ReceivedEvent[] = [];
  const ended = (async () => {
    for await (const event of readEventStream(url, { lastEventId, signal: leaving.signal }))
      events.push(event);
  })();
  ended.catch(() => undefined);
  return { events, ended, leave: () => leaving.abort() };
}

/** Tries again while the gateway has as many streams as it may. */
async function watchWhenFree(t: Test, url: string) {
  return waitFor(
    async () => {
      const viewer = watch(t, url);
      const came = waitFor(() => viewer.events.length > 0, { what: 'an event' }).then(() => viewer);
      came.catch(() => undefined);
      return await Promise.race([
        came,
        viewer.ended.then(
          () => undefined,
          () => undefined,
        ),
      ]);
    },
    { what: 'room for a stream', timeoutMs: 20_000 },
  );
}

const ids = (events: readonly ReceivedEvent[]): string[] => events.map(({ id }) => id);
const upTo = (last: number, first = 1): string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => String(first + index));

t.test('a stream has the history, then new events, then the end; and goes on from any event', async (t) => {
  const { url, record, state, services } = await startTask(t);
  record(450);
  const address = `${url}/task/${TASK}/events`;
  const all = watch(t, address);
  await waitFor(() => all.events.length === 450, { what: 'the history' });
  record(2, { data: { started: TIME } });
  await waitFor(() => all.events.length === 452, { what: 'the news' });
  state.over = true;
  record(1);
  await all.ended;
  t.strictSame(ids(all.events), [...upTo(453), '453-end']);
  t.strictSame(all.events[450], {
    id: '451',
    event: 'node_succeeded',
    data: {
      task_id: TASK,
      time: '2017-07-27T13:39:55.123Z',
      n: 451,
      started: '2017-07-27T13:39:55.123Z',
    },
  });
  t.strictSame(all.events.at(-1)?.data, {
    task_id: TASK,
    state: 2,
    end_reason: 'completed',
    stat: [0, 0, 1, 0, 0],
  });

  const rest = watch(t, address, '451');
  await rest.ended;
  t.strictSame(ids(rest.events), ['452', '453', '453-end']);
  const byQuery = watch(t, `${address}?last_event_id=452`);
  await byQuery.ended;
  t.strictSame(ids(byQuery.events), ['453', '453-end']);
  const both = watch(t, `${address}?last_event_id=1`, '453');
  await both.ended;
  t.strictSame(ids(both.events), ['453-end'], 'the header goes before the parameter');

  const again = await fetch(address, { headers: { 'last-event-id': '453-end' } });
  t.equal(again.status, 204, 'who knows the end is not to come again');
  state.over = false;
  const resumed = watch(t, address, '453-end');
  record(1);
  await waitFor(() => resumed.events.length === 1, { what: 'the task goes on' });
  t.strictSame(ids(resumed.events), ['454']);
  t.not(services.last(live.taskEvents), undefined);
});

t.test('refusals are answers in the envelope', async (t) => {
  const { url, record, state, app } = await startTask(t, { streams: 2 });
  record(3);
  const get = async (path: string, lastEventId?: string) => {
    const response = await fetch(`${url}${path}`, {
      headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
    });
    return { status: response.status, json: await response.json() };
  };
  state.away = true;
  t.match(await get(`/task/${TASK}/events`), {
    json: { code: 400, msg: 'db server lost...: the database does not answer' },
  });
  state.away = false;
  t.strictSame(await get('/task/12/events'), {
    status: 400,
    json: { code: 400, msg: 'Flow not found', data: {}, reason: reason('not_found') },
  });
  t.match(await get(`/task/${TASK}/events`, 'x7'), {
    status: 400,
    json: { code: 400, msg: 'last_event_id x7 is not the id of an event here' },
  });
  t.match(await get(`/task/${TASK}/events`, '4'), {
    json: { code: 400, msg: 'last_event_id 4 is not known: the last event of task 11 is 3' },
  });
  t.match(await get('/task/node/21/log?follow=1', '0.1.0'), { json: { code: 400, data: null } });
  t.match(await get('/task/node/21/log?follow=2'), { json: { code: 400, data: null } });
  const head = await fetch(`${url}/task/${TASK}/events`, { method: 'HEAD' });
  t.match(head.headers.get('content-type'), 'text/event-stream');
  const first = watch(t, `${url}/task/${TASK}/events`);
  const second = watch(t, `${url}/task/${TASK}/events`);
  await waitFor(() => first.events.length + second.events.length === 6, { what: 'two streams' });
  t.strictSame(await get(`/task/${TASK}/events`), {
    status: 503,
    json: {
      code: 503,
      msg: '2 live streams are open, more are not allowed',
      data: {},
      reason: reason('busy'),
    },
  });
  first.leave();
  const third = await watchWhenFree(t, `${url}/task/${TASK}/events`);
  const closed = app.close();
  await Promise.all([second.ended, third.ended]);
  await closed;
  t.ok(true, 'both ended');
});

t.test('many viewers of one task read once', async (t) => {
  const { url, record, state, open } = await startTask(t, { streams: 2_000 });
  record(1);
  const viewers = Array.from({ length: 200 }, () => watch(t, `${url}/task/${TASK}/events`));
  await waitFor(() => viewers.every(({ events }) => events.length === 1), { what: 'all are there' });
  // Opening may take more than one read; what happens afterwards is read once, and once more for what follows it.
  const before = state.asked;
  record(5);
  await waitFor(() => viewers.every(({ events }) => events.length === 6), { what: 'all have the news' });
  t.ok(state.asked - before <= 4, `${state.asked - before} reads for ${viewers.length} viewers`);
  for (const { leave } of viewers) leave();
  await waitFor(async () => (await open()) === 0, { what: 'nobody is connected' });
});

t.test(
  'lost hints, a scheduler that is away, NATS that is gone: nothing missing, nothing twice',
  async (t) => {
    const { url, wire, record, state } = await startTask(t);
    record(2);
    const viewer = watch(t, `${url}/task/${TASK}/events`);
    await waitFor(() => viewer.events.length === 2, { what: 'the history' });
    record(3, { tell: false });
    wire.publish(eventsSubject('scheduler'), { after: state.position, events: [] });
    await waitFor(() => viewer.events.length === 5, { what: 'what was not told' });

    state.away = true;
    const asked = state.asked;
    record(1);
    const back = watch(t, `${url}/task/${TASK}/events`, '5');
    await waitFor(() => state.asked > asked, { what: 'a read that fails' });
    state.away = false;
    await waitFor(() => back.events.length === 1, { what: 'who came back meanwhile' });
    await waitFor(() => viewer.events.length === 6, { what: 'the scheduler to be asked again' });

    await servers.stopNats();
    record(4, { tell: false });
    await servers.startNats();
    await waitFor(
      () => {
        wire.publish(eventsSubject('scheduler'), { after: state.position, events: [] });
        return viewer.events.length === 10;
      },
      { what: 'NATS to be back', timeoutMs: 30_000 },
    );
    t.strictSame(ids(viewer.events), upTo(10));
  },
);

t.test('a client that takes nothing is not read for, and cannot hold up the end', async (t) => {
  const { app, record, state } = await startTask(t);
  const { port } = app.server.address() as AddressInfo;
  // 400 MB of history in pages of 200 events.
  const filler = 'x'.repeat(20_000);
  record(20_000, { tell: false, data: { filler } });
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.pause();
  socket.write(`GET /task/${TASK}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await waitFor(() => state.asked > 0, { what: 'the first page' });
  let asked = -1;
  await waitFor(
    () => {
      const same = asked === state.asked;
      asked = state.asked;
      return same;
    },
    { what: 'reading to rest', intervalMs: 500 },
  );
  t.ok(state.asked < 20, `${state.asked} pages of 100 were read`);
  socket.resume();
  await waitFor(() => state.asked > asked, { what: 'reading goes on when the client takes it' });
  socket.pause();
  await app.close();
});

t.test('a client that goes away frees its place', async (t) => {
  const { url, record, state, open, wire } = await startTask(t, { streams: 1 });
  record(1);
  for (let round = 0; round < 3; round++) {
    const viewer = await watchWhenFree(t, `${url}/task/${TASK}/events`);
    viewer.leave();
    await waitFor(async () => (await open()) === 0, { what: 'the connection to be closed' });
  }
  const asked = state.asked;
  record(1);
  await wire.nats.flush();
  t.equal(state.asked, asked, 'nobody reads for nobody');
});

t.test('output of a node run: parts as they come, with places to go on from', async (t) => {
  const { url, services, wire } = await startTask(t);
  let text = 'eins\n';
  let over = false;
  services.on(live.runOutput, ({ id, after }) => {
    if (id !== 21) throw new ServiceError('not_found', `there is no node run ${id}`);
    const place = { step: 0, attempt: 1, byte: text.length };
    const from = after.step === 0 ? after.byte : text.length;
    const parts =
      from < text.length ? [{ name: 'deploy', step: 0, attempt: 1, text: text.slice(from), place }] : [];
    const end = over ? { step: 1, attempt: 1, byte: 0 } : place;
    return { parts, place: end, over: over ? { state: 2 as const } : null };
  });
  const address = `${url}/task/node/21/log?follow=1`;
  const viewer = watch(t, address);
  await waitFor(() => viewer.events.length === 1, { what: 'what is there' });
  text += 'zwei\n';
  wire.publish(outputStoredSubject(21), {});
  await waitFor(() => viewer.events.length === 2, { what: 'the next part' });
  over = true;
  await viewer.ended;
  t.strictSame(viewer.events, [
    {
      id: '1.1.5',
      event: 'output',
      data: { nsid: 21, step: 'deploy', step_num: 1, attempt: 1, text: 'eins\n' },
    },
    {
      id: '1.1.10',
      event: 'output',
      data: { nsid: 21, step: 'deploy', step_num: 1, attempt: 1, text: 'zwei\n' },
    },
    { id: '2.1.0-end', event: 'end', data: { nsid: 21, state: 2 } },
  ]);
  const rest = watch(t, address, '1.1.7');
  await rest.ended;
  t.match(rest.events, [{ id: '1.1.10', data: { text: 'ei\n' } }, { id: '2.1.0-end' }]);
  t.equal((await fetch(address, { headers: { 'last-event-id': '2.1.0-end' } })).status, 204);
  const unknown = await fetch(`${url}/task/node/22/log?follow=true`);
  t.strictSame(await unknown.json(), {
    code: 400,
    msg: 'db server lost...: there is no node run 22',
    data: null,
    reason: reason('not_found'),
  });
});

t.test('the end of the gateway ends its streams', async (t) => {
  const { url, record, app } = await startTask(t);
  record(1);
  const viewer = watch(t, `${url}/task/${TASK}/events`);
  await waitFor(() => viewer.events.length === 1, { what: 'the history' });
  const closed = app.close();
  await viewer.ended;
  await closed;
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'error');
  t.strictSame(ids(viewer.events), ['1']);
});
