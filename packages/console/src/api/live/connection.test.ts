import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { Connection } from './connection.js';
import { EventParser } from './event-stream.js';
import type { LiveMessage, LiveStatus } from './protocol.js';

type Answer = (response: ServerResponse, request: { topics: string; lastId: string | undefined }) => void;

/** A gateway that answers as the test says, and a connection to it. */
async function start(t: Test, answer: Answer) {
  const asked: { topics: string; lastId: string | undefined }[] = [];
  const state = { answer };
  const server = createServer((request, response) => {
    const topics = new URL(request.url ?? '', 'http://x').searchParams.get('topics') ?? '';
    const one = { topics, lastId: request.headers['last-event-id'] as string | undefined };
    asked.push(one);
    state.answer(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const messages: LiveMessage[] = [];
  const states: string[] = [];
  const connection = new Connection({
    fetch,
    message: (message) => messages.push(message),
    status: ({ state }: LiveStatus) => {
      if (states.at(-1) !== state) states.push(state);
    },
  });
  t.teardown(() => {
    connection.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const until = async (holds: () => boolean) => {
    for (let n = 0; n < 500 && !holds(); n++) await new Promise((resolve) => setTimeout(resolve, 20));
    t.ok(holds(), String(holds));
  };
  return { asked, messages, states, connection, root, until, state };
}

const stream = (response: ServerResponse, ...events: [id: string, event: string, data: object][]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [id, event, data] of events)
    response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
};
const hello: [string, string, object] = ['', 'hello', {}];

t.test('events are complete with their empty line, however they come', async (t) => {
  const parser = new EventParser();
  t.strictSame(parser.push('retry: 1000\n\nid: 1\nevent: state\nda'), []);
  t.strictSame(parser.push('ta: {"a": "b: c"}\n'), []);
  t.strictSame(parser.push('\n: beat\n\ndata: 2\n\n'), [
    { id: '1', event: 'state', data: '{"a": "b: c"}' },
    { id: undefined, event: 'message', data: '2' },
  ]);
});

t.test('it goes on after its last event, also with other topics', async (t) => {
  const { asked, messages, states, connection, root, until } = await start(t, (response, { topics }) => {
    const data = topics
      .split(',')
      .map((topic) => ['7', 'state', { topic, data: 1 }] as [string, string, object]);
    stream(response, hello, ...data);
    if (topics === 'a') setTimeout(() => response.destroy(), 50);
  });
  connection.follow(root, ['a']);
  await until(() => asked.length >= 2);
  t.strictSame(asked.slice(0, 2), [
    { topics: 'a', lastId: undefined },
    { topics: 'a', lastId: '7' },
  ]);
  connection.follow(root, ['a', 'b']);
  await until(() => messages.some(({ topic }) => topic === 'b') && states.at(-1) === 'live');
  t.equal(asked.at(-1)?.lastId, '7');
  t.strictSame(states.slice(0, 4), ['connecting', 'catching_up', 'live', 'reconnecting']);
  connection.follow(root, []);
  await until(() => states.at(-1) === 'off');
});

t.test('streams that are refused: it polls, and tries again when asked for other topics', async (t) => {
  const { states, connection, root, until, state } = await start(t, (response) => {
    response.writeHead(503, { 'content-type': 'application/json' }).end('{}');
  });
  connection.follow(root, ['a']);
  await until(() => states.at(-1) === 'polling');
  state.answer = (response) => stream(response, hello, ['1', 'state', { topic: 'b' }]);
  connection.follow(root, ['b']);
  await until(() => states.at(-1) === 'live');
});

t.test('a topic that the gateway does not have is left out', async (t) => {
  const { messages, states, connection, root, until } = await start(t, (response, { topics }) => {
    if (topics.includes('new')) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ msg: 'topic new:1 cannot be followed: there is no such topic' }));
    } else stream(response, hello, ['1', 'state', { topic: 'a' }]);
  });
  connection.follow(root, ['a', 'new:1@2']);
  await until(() => states.at(-1) === 'live');
  t.match(messages, [{ topic: 'new:1', event: 'refused' }, { topic: 'a' }]);
});
