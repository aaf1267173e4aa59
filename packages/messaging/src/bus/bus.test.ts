import { Writable } from 'node:stream';
import { defineRpc, ServiceError } from '@rigel/contracts';
import { pino } from 'pino';
import t from 'tap';
import { Type } from 'typebox';
import { Bus } from '../index.js';
import { startTestNats } from '../testing/nats.js';

const nats = await startTestNats(t);

/** What the serving side logs. */
const logged: string[] = [];
const log = pino(
  { level: 'error' },
  new Writable({
    write(line, _, done) {
      logged.push(String(line));
      done();
    },
  }),
);
const server = await Bus.connect({ url: nats.url, name: 'server', log });
const client = await Bus.connect({ url: nats.url, name: 'client', log: pino({ level: 'silent' }) });
t.teardown(() => Promise.all([client.close(), server.close()]));

const caller = { correlationId: 'c-1', actor: 'root', client: '192.0.2.7' };
let subjects = 0;
const echo = (timeoutMs?: number, together = false) =>
  defineRpc(`test.echo${++subjects}`, {
    together,
    request: Type.Object({ text: Type.String(), count: Type.Optional(Type.Integer({ minimum: 1 })) }),
    response: Type.Object({ text: Type.String() }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

t.test('a request is answered, and its handler learns who asked', async (t) => {
  const rpc = echo();
  const stop = server.serve(rpc, async ({ text }, context) => {
    t.strictSame(context, { ...caller, partition: undefined });
    return { text: `${text}!` };
  });
  t.strictSame(await client.call(rpc, { text: 'héllo \0' }, caller), { text: 'héllo \0!' });
  stop();
});

t.test('five megabytes go there and back', async (t) => {
  const rpc = echo(15_000);
  const stop = server.serve(rpc, async ({ text }) => ({ text: text.toUpperCase() }));
  const text = 'é0123456789'.repeat(500_000);
  const answer = await client.call(rpc, { text }, caller);
  t.ok(answer.text === text.toUpperCase(), 'every byte came back');
  stop();
});

t.test('a call waits for a service that is just being started', async (t) => {
  const rpc = echo();
  const answer = client.call(rpc, { text: 'early' }, caller);
  // The first tries find nobody: the server learns of the subject after the client has asked.
  await client.nats.flush();
  let served = 0;
  const stop = server.serve(rpc, async ({ text }) => {
    served++;
    return { text };
  });
  t.strictSame(await answer, { text: 'early' });
  t.equal(served, 1);
  stop();
});

t.test('a call that nobody serves, or that takes too long, is unavailable', async (t) => {
  const rpc = echo(300);
  await t.rejects(client.call(rpc, { text: '' }, caller), { name: 'ServiceError', code: 'unavailable' });
  const stop = server.serve(rpc, () => new Promise(() => undefined));
  await t.rejects(client.call(rpc, { text: '' }, caller), { name: 'ServiceError', code: 'unavailable' });
  stop();
});

t.test('a request that breaks the contract never reaches the handler', async (t) => {
  const rpc = echo();
  const stop = server.serve(rpc, async () => t.fail('handled') as never);
  const wrong: [unknown, string, string][] = [
    [{}, 'text', 'text is missing'],
    [{ text: 5 }, 'text', 'text must be string (got 5)'],
    [{ text: '', count: 0 }, 'count', 'count must be >= 1 (got 0)'],
  ];
  for (const [request, field, message] of wrong) {
    await t.rejects(client.call(rpc, request as never, caller), { code: 'invalid', field, message });
  }
  await t.rejects(client.call(rpc, 'text' as never, caller), {
    code: 'invalid',
    message: 'the request must be object (got text)',
  });
  stop();
});

t.test('a refusal passes through whole', async (t) => {
  const rpc = echo();
  const stop = server.serve(rpc, async ({ text }) => {
    throw new ServiceError('conflict', `${text} is taken`, 'text');
  });
  const refusal = await client.call(rpc, { text: 'web' }, caller).catch((error: unknown) => error);
  t.type(refusal, ServiceError);
  t.match(refusal, { code: 'conflict', message: 'web is taken', field: 'text' });
  stop();
});

t.test('an unexpected error is logged where it happened and hidden from the caller', async (t) => {
  const rpc = echo();
  const stop = server.serve(rpc, async () => {
    throw new Error('password of the database: hunter2');
  });
  logged.length = 0;
  const refusal = await client.call(rpc, { text: '' }, caller).catch((error: unknown) => error);
  t.match(refusal, { code: 'internal', message: 'internal error', field: undefined });
  t.equal(logged.length, 1);
  t.match(JSON.parse(logged[0] as string), { subject: rpc.subject, err: { message: /hunter2/ } });
  stop();
});

t.test('more requests at once than allowed are turned away, not piled up', async (t) => {
  const rpc = echo();
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stop = server.serve(
    rpc,
    async ({ text }) => {
      await finished;
      return { text };
    },
    { concurrency: 2 },
  );
  const results = Array.from({ length: 5 }, (_, n) =>
    client.call(rpc, { text: String(n) }, caller).then(
      ({ text }) => text,
      (error: ServiceError) => error.code,
    ),
  );
  // The three that are turned away are answered while the others are still at work.
  await Promise.all(results.slice(2));
  finish();
  t.strictSame(await Promise.all(results), ['0', '1', 'unavailable', 'unavailable', 'unavailable']);
  t.strictSame(await client.call(rpc, { text: 'next' }, caller), { text: 'next' }, 'there is room again');
  stop();
});

t.test('an operation whose large answer is lost is not carried out again', async (t) => {
  const rpc = echo();
  let carriedOut = 0;
  const subscription = server.nats.subscribe(rpc.subject, {
    callback: (_, message) => {
      carriedOut++;
      message.respond(JSON.stringify({ ref: { inbox: `rigel.body.gone.${'0'.repeat(32)}`, chunks: 2 } }));
    },
  });
  await server.nats.flush();
  await t.rejects(client.call(rpc, { text: '' }, caller), { name: 'ServiceError', code: 'unavailable' });
  t.equal(carriedOut, 1);
  subscription.unsubscribe();
});

t.test('requests of one turn share messages, and each gets its own answer', async (t) => {
  const rpc = echo(undefined, true);
  let messages = 0;
  const watch = server.nats.subscribe(rpc.subject, { callback: () => messages++ });
  const stop = server.serve(rpc, async ({ text }, { correlationId }) => {
    if (text === '3') throw new ServiceError('wrong_state', 'three is refused');
    if (text === '4') throw new Error('a fault of ours');
    return { text: text.length > 100 ? text : `${text} of ${correlationId}` };
  });
  await server.nats.flush();
  const huge = 'x'.repeat(3_000_000);
  // Ten of these do not fit into one message, and neither do their answers.
  const large = 'y'.repeat(200_000);
  const texts = [
    ...Array.from({ length: 1_200 }, (_, n) => String(n)),
    huge,
    ...Array.from({ length: 10 }, () => large),
  ];
  const results = await Promise.allSettled(
    texts.map((text, n) => client.call(rpc, { text }, { ...caller, correlationId: `c-${n}` })),
  );
  const wrong = [...results.entries()].filter(([n, result]) => {
    const text = texts[n] as string;
    const expected = text.length > 100 ? text : `${text} of c-${n}`;
    return result.status === 'rejected' || result.value.text !== expected;
  });
  t.strictSame(
    wrong.map(([n, result]) => [n, result.status === 'rejected' && result.reason.message]),
    [
      [3, 'three is refused'],
      [4, 'internal error'],
    ],
  );
  t.ok(messages <= 6, `${texts.length} requests in ${messages} messages`);
  await t.rejects(
    Promise.all([client.call(rpc, { text: 'a', count: 0 }, caller), client.call(rpc, { text: 'b' }, caller)]),
    { code: 'invalid', field: 'count' },
  );
  watch.unsubscribe();
  await stop();
});

t.test(
  'requests that share a message wait for a service that is just being started, or give up',
  async (t) => {
    const rpc = echo(1_000, true);
    const early = ['a', 'b'].map((text) => client.call(rpc, { text }, caller));
    await client.nats.flush();
    const stop = server.serve(rpc, async ({ text }) => ({ text }));
    t.strictSame(await Promise.all(early), [{ text: 'a' }, { text: 'b' }]);
    await stop();
    const never = server.serve(rpc, () => new Promise(() => undefined));
    await server.nats.flush();
    const results = await Promise.allSettled(['a', 'b'].map((text) => client.call(rpc, { text }, caller)));
    t.strictSame(
      results.map((result) => result.status === 'rejected' && result.reason.code),
      ['unavailable', 'unavailable'],
    );
    await never();
  },
);

t.test('an operation of a partition reaches the owner of that partition only', async (t) => {
  const rpc = defineRpc('test.{partition}.who', {
    request: Type.Object({}),
    response: Type.Object({ partition: Type.Integer() }),
  });
  const stops = [0, 1].map((partition) =>
    server.serve(rpc, async (_, context) => ({ partition: context.partition ?? -1 }), { partition }),
  );
  t.strictSame(await client.call(rpc, {}, { ...caller, partition: 1 }), { partition: 1 });
  t.strictSame(await client.call(rpc, {}, { ...caller, partition: 0 }), { partition: 0 });
  await t.rejects(client.call(rpc, {}, caller), /needs a partition/);
  for (const stop of stops) stop();
});

t.test('published messages reach all who listen; wrong ones and large ones are told apart', async (t) => {
  const got: unknown[] = [];
  const stops = [client, server].map((bus) =>
    bus.subscribe('rigel.test.news', Type.Object({ n: Type.Integer() }), (news) => got.push(news)),
  );
  await Promise.all([client.nats.flush(), server.nats.flush()]);
  t.equal(server.publish('rigel.test.news', { n: 'not a number' }), true);
  t.equal(server.publish('rigel.test.news', { n: 1 }), true);
  t.equal(server.publish('rigel.test.news', { n: 1, more: 'x'.repeat(2_000_000) }), false, 'too large');
  // One after the other: only what the NATS server has taken is before its answer to the client's flush.
  await server.nats.flush();
  await client.nats.flush();
  t.strictSame(got, [{ n: 1 }, { n: 1 }]);
  for (const stop of stops) stop();
});

t.test('a connection that is closed says so', async (t) => {
  const bus = await Bus.connect({ url: nats.url, name: 'short', log });
  t.equal(await bus.isConnected(), true);
  await bus.close();
  t.equal(await bus.isConnected(), false);
  await bus.close();
});
