import { connect } from 'node:net';
import { eventsSubject, live, ServiceError, taskGrid, taskStream, tasks } from '@rigel/contracts';
import { type ReceivedEvent, readEventStream, silentLogger, startTestServers, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { type AppSettings, buildApp } from '../../app.js';
import { testSettings } from '../../testing/gateway.js';
import { Responders } from '../../testing/responders.js';
import { task } from '../../testing/rows.js';
import { eventId, placesIn, readTopics } from './topic.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

/** Two gateways, and a scheduler in the hands of the test. */
async function start(t: Test, settings: Partial<AppSettings> = {}) {
  const wire = await servers.startBus('scheduler');
  const services = new Responders(wire);
  const gateways = await Promise.all(
    [0, 1].map(async () => {
      const bus = await servers.startBus('gateway');
      const app = await buildApp({ bus, log: silentLogger, config: testSettings(settings) });
      return { app, bus, url: await app.listen({ host: '127.0.0.1', port: 0 }) };
    }),
  );
  const state = { names: new Map([[11, 'move']]), reads: 0, away: false, position: 0 };
  services.on(tasks.get, ({ id }) => {
    state.reads++;
    if (state.away) throw new ServiceError('unavailable', 'the database does not answer');
    const name = state.names.get(id);
    if (name === undefined) throw new ServiceError('not_found', `there is no task ${id}`);
    return { ...task, id, task_name: name };
  });
  t.teardown(async () => {
    await Promise.all(gateways.map(({ app }) => app.close()));
    await Promise.all([wire.close(), ...gateways.map(({ bus }) => bus.close())]);
  });
  /** Tells of an event of a task. */
  const tell = (id: number): void => {
    const after = state.position++;
    wire.publish(eventsSubject('scheduler'), {
      after,
      events: [],
      streams: [taskStream(id)],
      end: { position: state.position, identity: 'x', recorded_until: 1 },
    });
  };
  const [first, second] = gateways.map(({ url }) => `${url}/live`) as [string, string];
  return { services, state, tell, first, second, gateways };
}

function watch(t: Test, url: string, lastEventId?: string) {
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  const events: ReceivedEvent[] = [];
  const ended = (async () => {
    for await (const event of readEventStream(url, { lastEventId, signal: leaving.signal }))
      events.push(event);
  })();
  ended.catch(() => undefined);
  const named = (name: string) => events.filter(({ event }) => event === name);
  return { events, named, ended, leave: () => leaving.abort() };
}

const data = (event: ReceivedEvent | undefined) => event?.data as Record<string, never> | undefined;
const nameOf = (event: ReceivedEvent | undefined): unknown =>
  (data(event)?.data as { task_name?: string } | undefined)?.task_name;

t.test('what a client may ask for, and the ids of events', async (t) => {
  t.strictSame(readTopics('task:42, tasks?state=3%2C4&q=a,output:17@1.1.40,nodes:pool=3'), [
    { key: 'task:42', name: 'task', argument: '42', query: '', place: undefined },
    { key: 'tasks?state=3%2C4&q=a', name: 'tasks', argument: '', query: 'state=3%2C4&q=a', place: undefined },
    { key: 'output:17', name: 'output', argument: '17', query: '', place: '1.1.40' },
    { key: 'nodes:pool=3', name: 'nodes', argument: 'pool=3', query: '', place: undefined },
  ]);
  for (const wrong of ['', 'Task:1', 'task:1 2', 'task 1', `tasks?q=${'x'.repeat(600)}`])
    t.throws(() => readTopics(wrong), { message: /^topic .*cannot be followed/ }, wrong);
  t.throws(() => readTopics(Array.from({ length: 33 }, (_, n) => `task:${n + 1}`).join(',')), {
    message: /names 33 topics, and a stream has at most 32/,
  });
  const places = new Map([
    ['task:42', 'aZ-_09'],
    ['output:17', '1.1.40'],
  ]);
  const topics = readTopics('output:17,task:42,overview');
  t.strictSame(placesIn(eventId(places), topics), new Map([...places].reverse()), 'in any order');
  t.strictSame(placesIn('nonsense,:,x:y,\u0000', topics), new Map());
  t.strictSame(placesIn(undefined, topics), new Map());
});

t.test('many streams of one topic: one reader, messages coalesced, ended with the last', async (t) => {
  const { first, state, tell, gateways } = await start(t);
  const viewers = Array.from({ length: 10 }, () => watch(t, `${first}?topics=task:11`));
  await waitFor(() => viewers.every(({ named }) => named('state').length === 1), { what: 'the state' });
  const begun = state.reads;
  t.ok(begun <= 2, `${begun} reads for ten streams`);
  const from = Date.now();
  for (let n = 0; n < 100; n++) {
    state.names.set(11, `move ${n}`);
    tell(11);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await waitFor(() => viewers.every(({ events }) => nameOf(events.at(-1)) === 'move 99'), {
    what: 'the newest state',
  });
  const most = Math.ceil((Date.now() - from) / 250) + 1;
  for (const { named } of viewers) t.ok(named('state').length - 1 <= most, `${named('state').length}`);
  t.ok(state.reads - begun <= most, `${state.reads - begun} reads`);
  tell(11);
  tell(12);
  await waitFor(() => state.reads > begun, { what: 'a read' });
  for (const { leave } of viewers) leave();
  const open = () =>
    new Promise<number>((resolve) =>
      gateways[0]?.app.server.getConnections((_error, count) => resolve(count)),
    );
  await waitFor(async () => (await open()) === 0, { what: 'all are gone' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const after = state.reads;
  tell(11);
  await new Promise((resolve) => setTimeout(resolve, 400));
  t.equal(state.reads, after, 'nothing is read for no stream');
});

t.test('a stream goes on at another gateway, with what has changed alone', async (t) => {
  const { first, second, state } = await start(t);
  state.names.set(12, 'grow');
  const viewer = watch(t, `${first}?topics=task:11,task:12`);
  await waitFor(() => viewer.named('state').length === 2, { what: 'both states' });
  t.equal(viewer.events[0]?.event, 'hello');
  viewer.leave();
  state.names.set(12, 'shrink');
  const again = watch(t, `${second}?topics=task:12,task:11,task:13`, viewer.events.at(-1)?.id);
  await waitFor(() => again.events.length >= 4, { what: 'an answer for each' });
  t.strictSame(
    again.events
      .slice(1)
      .map((event) => [event.event, data(event)?.topic])
      .sort(),
    [
      ['refused', 'task:13'],
      ['state', 'task:12'],
      ['unchanged', 'task:11'],
    ],
  );
  t.equal(nameOf(again.named('state')[0]), 'shrink');
  t.match(data(again.named('refused')[0])?.reason, /no task 13/);
});

t.test('a service that is away, and comes back', async (t) => {
  const { first, state, tell } = await start(t);
  const viewer = watch(t, `${first}?topics=task:11`);
  await waitFor(() => viewer.named('state').length === 1, { what: 'the state' });
  state.away = true;
  tell(11);
  await waitFor(() => viewer.named('away').length === 1, { what: 'that it is away' });
  state.away = false;
  await waitFor(() => viewer.events.at(-1)?.event === 'unchanged', { what: 'that it is back' });
});

t.test('output: from a place, with a gap for what comes too fast, and the end', async (t) => {
  const { first, services } = await start(t);
  const text = 'x'.repeat(64 * 1024);
  const pieces = 20;
  services.on(live.runOutput, ({ id, after }) => {
    if (id !== 21) throw new ServiceError('not_found', `there is no node run ${id}`);
    const byte = Math.min(after.byte + text.length, pieces * text.length);
    const place = { step: 0, attempt: 1, byte };
    const isEnd = byte === after.byte;
    return {
      parts: isEnd ? [] : [{ name: 'deploy', step: 0, attempt: 1, text, place }],
      place,
      over: isEnd ? { state: 2 as const } : null,
    };
  });
  const bytes = 64 * 1024;
  const viewer = watch(t, `${first}?topics=output:21@1.1.${bytes},output:22,output:21`);
  await waitFor(() => viewer.named('end').length === 1, { what: 'the end', timeoutMs: 20_000 });
  const got = viewer
    .named('output')
    .map((event) => (data(event)?.parts as unknown as { place: string }[] | undefined)?.[0]?.place);
  t.equal(
    got.length * bytes + viewer.named('gap').reduce((sum, gap) => sum + Number(data(gap)?.bytes), 0),
    pieces * bytes,
  );
  t.equal(viewer.named('refused').length, 1);
  viewer.leave();
  const rest = watch(t, `${first}?topics=output:21`, viewer.named('end')[0]?.id);
  await waitFor(() => rest.events.length === 2, { what: 'the end again' });
  t.equal(rest.events[1]?.event, 'end');
  const from = watch(t, `${first}?topics=output:21@1.1.${19 * bytes}`);
  await waitFor(() => from.named('end').length === 1, { what: 'the end' });
  t.equal(from.named('output').length, 1, 'from the place on');
  // A place that is none of this topic's.
  const foreign = eventId(new Map([['output:21', 'x']]));
  const reset = watch(t, `${first}?topics=output:21`, foreign);
  await waitFor(() => reset.named('output').length > 0, { what: 'the beginning' });
  t.equal(reset.events[1]?.event, 'reset');
});

t.test('a grid: changes after a cursor, and the word to read it whole', async (t) => {
  const { first, services, tell } = await start(t);
  let version = 5;
  const marks = { gate: [], retrying: [], draining: [] };
  const columns = {
    first_nsid: 1,
    ips: ['a', 'b'],
    node_ids: [],
    state: '10',
    step: '00',
    attempts: '10',
    batch: [],
    changed: [1, 1],
  };
  services.on(taskGrid, ({ after }) => {
    const answer = { version, cursor: String(version), marks };
    if (after === undefined || Number(after) < 3) return { ...answer, whole: columns };
    return {
      ...answer,
      changes: Number(after) < version ? [[0, 2, 1, 1] as [number, number, number, number]] : [],
    };
  });
  const viewer = watch(t, `${first}?topics=grid:11@4`);
  await waitFor(() => viewer.named('grid').length === 1, { what: 'what has changed' });
  t.match(data(viewer.events.at(-1)), { version: 5, cursor: '5', changes: [[0, 2, 1, 1]] });
  version = 6;
  tell(11);
  await waitFor(() => viewer.named('grid').length === 2, { what: 'the next change' });
  viewer.leave();
  for (const place of ['', '@1']) {
    const other = watch(t, `${first}?topics=grid:11${place}`);
    await waitFor(() => other.named('grid').length === 1, { what: 'a word' });
    t.match(data(other.events.at(-1)), { version: 6, cursor: '6', whole: true });
  }
});

t.test('a client that takes nothing costs one message for each topic', async (t) => {
  const { first, state, tell } = await start(t);
  const port = Number(new URL(first).port);
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.pause();
  socket.write('GET /live?topics=task:11 HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const viewer = watch(t, `${first}?topics=task:11`);
  await waitFor(() => viewer.named('state').length === 1, { what: 'the state' });
  for (let n = 0; n < 3; n++) {
    const names = viewer.named('state').length;
    state.names.set(11, `${n} ${'x'.repeat(30_000)}`);
    tell(11);
    await waitFor(() => viewer.named('state').length > names, { what: 'the other client has it' });
  }
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.resume();
  await waitFor(() => text.includes('"task_name":"2 xxx'), { what: 'the newest state' });
  t.pass('it got the newest');
});

t.test('refusals are answers in the envelope', async (t) => {
  const { first } = await start(t, { RIGEL_HTTP_STREAMS: 1 });
  const get = async (topics: string) => {
    const response = await fetch(`${first}?topics=${encodeURIComponent(topics)}`);
    return { status: response.status, ...((await response.json()) as object) };
  };
  t.match(await get('nothing'), {
    status: 400,
    msg: /topic nothing cannot be followed: there is no such topic; there are .*task, /,
  });
  t.match(await get('task'), {
    status: 400,
    msg: 'topic task cannot be followed: task needs an id after its colon',
  });
  t.match(await get('task:x'), { status: 400, msg: /needs an id/ });
  t.match(await get('task:1?x=1'), { status: 400, msg: /it has no filters/ });
  t.match(await get('tasks?colour=red'), {
    status: 400,
    msg: /^topic tasks\?colour=red cannot be followed: .*colour/,
  });
  t.match(await get('tasks?name=%ff'), { status: 400, msg: /broken or not UTF-8/ });
  t.match(await get('output:1@x'), { status: 400, msg: /a place in output is/ });
  const empty = await fetch(first);
  t.equal(empty.status, 400);
  const viewer = watch(t, `${first}?topics=task:11`);
  await waitFor(() => viewer.events.length > 1, { what: 'a stream' });
  t.match(await get('task:11'), { status: 503, msg: '1 live streams are open, more are not allowed' });
});
