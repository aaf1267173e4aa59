import { defineRpc } from '@rigel/contracts';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { Type } from 'typebox';
import { Bus } from '../index.js';
import { startTestNats } from '../testing/nats.js';
import { MAX_DEPTH, MAX_REQUEST_BYTES, MAX_REQUEST_VALUES, MAX_REQUESTS } from '../wire/limits.js';

/*
 * Somebody who may send a service requests, and answer some of another's, and who keeps to no form: what NATS lets them
 * send must neither make the service publish anything elsewhere, nor keep it from its work.
 */

const nats = await startTestNats(t);
const log = pino({ level: 'silent' });
const service = await Bus.connect({ url: nats.url, name: 'service', log });
const client = await Bus.connect({ url: nats.url, name: 'client', log });
const attacker: NatsConnection = await connect({ servers: nats.url });
t.teardown(() => Promise.all([client.close(), service.close(), attacker.close()]));

const caller = { correlationId: 'c-1', actor: 'ann' };
const head = { c: 'c-1', a: 'ann' };
const TIMEOUT_MS = 30_000;
const BODY = `rigel.body.stranger.${'0'.repeat(32)}`;

const echo = defineRpc('test.echo', {
  request: Type.Object({
    text: Type.String(),
    count: Type.Optional(Type.Integer()),
    more: Type.Optional(Type.Unknown()),
  }),
  response: Type.Object({ text: Type.String() }),
  timeoutMs: TIMEOUT_MS,
});
let handled: string[] = [];
service.serve(echo, async ({ text }) => {
  handled.push(text);
  return { text };
});
await service.nats.flush();
t.beforeEach(() => {
  handled = [];
});

async function send(message: string | Uint8Array): Promise<unknown> {
  const answer = await attacker.request(echo.subject, message, { timeout: TIMEOUT_MS });
  return answer.json();
}

/** The refusal that a request meets, as it was sent. */
async function refusalOf(request: unknown): Promise<{ code: string; message: string }> {
  const { error } = (await send(JSON.stringify(request))) as { error: { code: string; message: string } };
  return error;
}

/** Counts what arrives on a subject. */
function count(subject: string): { readonly messages: number; end: () => void } {
  const counted = { messages: 0, end: () => subscription.unsubscribe() };
  const subscription = attacker.subscribe(subject, { callback: () => counted.messages++ });
  return counted;
}

const stillWorks = (t: Test) => t.resolves(client.call(echo, { text: 'still here' }, caller));

t.test('a request cannot have the service fetch its body from a subject that is no body', async (t) => {
  for (const inbox of [
    'rigel.catalog.template.delete',
    '$JS.API.STREAM.DELETE.RIGEL_WORK',
    '_INBOX.catalog.x',
    'rigel.body.catalog.*',
    'rigel.body.catalog.short',
    `${BODY}.more`,
    `${BODY}\r\nPUB x 0\r\n`,
    5,
    null,
  ]) {
    const heard = count(typeof inbox === 'string' && /^[^\r*]+$/.test(inbox) ? inbox : 'nothing');
    t.match(await refusalOf({ ...head, ref: { inbox, chunks: 1 } }), { code: 'invalid', message: /^ref/ });
    await attacker.flush();
    t.equal(heard.messages, 0, `nothing was published to ${inbox}`);
    heard.end();
  }
  await stillWorks(t);
});

t.test(
  'an answer goes to an inbox, and nowhere else: no stream is deleted in the name of the service',
  async (t) => {
    const manager = await attacker.jetstreamManager();
    await manager.streams.add({ name: 'PRECIOUS', subjects: ['precious'] });
    const elsewhere = 'rigel.access.token.create';
    const heard = count(elsewhere);
    for (const reply of [
      '$JS.API.STREAM.DELETE.PRECIOUS',
      elsewhere,
      'rigel.body.catalog.x',
      '_INBOX',
      undefined,
    ]) {
      attacker.publish(echo.subject, JSON.stringify({ ...head, d: { text: 'x' } }), reply ? { reply } : {});
    }
    await stillWorks(t);
    await attacker.flush();
    t.equal(heard.messages, 0);
    t.same(handled, ['still here'], 'none of it was carried out');
    t.match(await manager.streams.info('PRECIOUS'), { config: { name: 'PRECIOUS' } });
    heard.end();
  },
);

t.test('four billion chunks are refused before one is asked for', async (t) => {
  const heard = count(BODY);
  for (const chunks of [4_294_967_295, 1e15, 1e308, 0, -1, 1.5, '7', null]) {
    t.match(await refusalOf({ ...head, ref: { inbox: BODY, chunks } }), { code: 'invalid' }, `${chunks}`);
  }
  t.equal(heard.messages, 0);
  heard.end();
  await stillWorks(t);
});

/** Gives out chunks by their number. */
function giveOut(chunk: (index: number) => Uint8Array): { asked: number; end: () => void } {
  const given = { asked: 0, end: () => subscription.unsubscribe() };
  const subscription = attacker.subscribe(BODY, {
    callback: (_, message) => {
      given.asked++;
      message.respond(chunk(Number(message.string())));
    },
  });
  return given;
}

t.test('a body that would be too large is refused with its first chunk', async (t) => {
  const megabyte = new Uint8Array(1_000_000).fill(0x20);
  const given = giveOut(() => megabyte);
  const chunks = Math.ceil(MAX_REQUEST_BYTES / megabyte.length) + 1;
  t.match(await refusalOf({ ...head, ref: { inbox: BODY, chunks } }), {
    code: 'invalid',
    message: /too large/,
  });
  t.equal(given.asked, 1);
  given.end();
});

t.test('chunks of a body that are not of one size are refused', async (t) => {
  for (const [what, sizes] of [
    ['an empty one', [0, 10]],
    ['a smaller one in the middle', [10, 5, 10]],
    ['a larger one', [10, 20, 10]],
    ['an empty one at the end', [10, 10, 0]],
  ] as const) {
    const given = giveOut((index) => new Uint8Array(sizes[index] ?? 0).fill(0x20));
    t.match(
      await refusalOf({ ...head, ref: { inbox: BODY, chunks: sizes.length } }),
      { code: 'invalid', message: /chunk/ },
      what,
    );
    given.end();
    await attacker.flush();
  }
});

t.test('a body of a million empty objects is refused before it is parsed', async (t) => {
  const body = Buffer.from(`{"text":"","more":[${'{},'.repeat(MAX_REQUEST_VALUES)}{}]}`);
  const size = 500_000;
  const given = giveOut((index) => body.subarray(index * size, (index + 1) * size));
  const chunks = Math.ceil(body.length / size);
  t.match(await refusalOf({ ...head, ref: { inbox: BODY, chunks } }), {
    code: 'invalid',
    message: `the message has more than ${MAX_REQUEST_VALUES} values`,
  });
  given.end();
  await stillWorks(t);
});

t.test('250,000 empty requests in a message get one answer', async (t) => {
  const refusal = { code: 'invalid', message: /more than 500/ };
  t.match(await send(`[${'{},'.repeat(249_999)}{}]`), { error: refusal });
  t.match(await send(`[${'1,'.repeat(MAX_REQUESTS)}1]`), { error: refusal });
  const one = JSON.stringify({ ...head, d: { text: 'x' } });
  const most = (await send(`[${Array(MAX_REQUESTS).fill(one).join(',')}]`)) as unknown[];
  t.equal(most.length, MAX_REQUESTS, 'as many as senders send are answered one by one');
  await stillWorks(t);
});

t.test('others are answered while such messages come', async (t) => {
  const message = `[${'{},'.repeat(249_999)}{}]`;
  const attacks = Array.from({ length: 40 }, () => send(message));
  await Promise.all(Array.from({ length: 40 }, () => stillWorks(t)));
  for (const answer of await Promise.all(attacks)) t.match(answer, { error: { code: 'invalid' } });
});

t.test('JSON that is nested without end, or is none, is refused', async (t) => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const nested = (levels: number) => `{"c":"c","a":"a","d":{"text":"x","more":${deep(levels)}}}`;
  for (const message of [deep(500_000), nested(200_000), '['.repeat(500_000), nested(MAX_DEPTH)]) {
    t.match(await send(message), { error: { code: 'invalid', message: /nests more than/ } });
  }
  t.match(await send(nested(MAX_DEPTH - 2)), { ok: { text: 'x' } });
  for (const message of ['', 'no JSON', '{', '{"c":"c"', new Uint8Array([0xff, 0xfe])]) {
    t.match(await send(message), { error: { code: 'invalid', message: 'the message must be JSON' } });
  }
});

t.test('who asks, for whom and by which trace has a form', async (t) => {
  const d = { text: 'x' };
  for (const wrong of [
    5,
    null,
    'text',
    {},
    { d },
    { a: 'ann', d },
    { c: 'c-1', d },
    { ...head, c: 7, d },
    { ...head, c: 'x'.repeat(257), d },
    { ...head, c: 'nul\0', d },
    { ...head, a: {}, d },
    { ...head, a: 'x'.repeat(20_000), d },
    { ...head, a: 'half \ud800', d },
    { ...head, i: 'x'.repeat(300), d },
    { ...head, i: ['192.0.2.7'], d },
    { ...head, t: 'no traceparent', d },
    { ...head, t: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01-more`, d },
  ]) {
    t.match(await refusalOf(wrong), { code: 'invalid' }, JSON.stringify(wrong).slice(0, 80));
  }
  t.same(handled, []);
  for (const right of [
    { a: 'Jürgen 🚀' },
    { c: '' },
    { i: '::ffff:192.0.2.7%eth0' },
    { t: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  ]) {
    t.match(await send(JSON.stringify({ ...head, ...right, d })), { ok: d });
  }
});

t.test('an integer is one that can be counted with', async (t) => {
  for (const number of ['1e308', '-1e308', '9007199254740992', '1.5', '1e999']) {
    const answer = await send(`{"c":"c","a":"a","d":{"text":"x","count":${number}}}`);
    t.match(answer, { error: { code: 'invalid', field: 'count' } }, number);
  }
  t.match(await send('{"c":"c","a":"a","d":{"text":"x","count":9007199254740991}}'), { ok: {} });
});

t.test('a published message that is nested or broken is dropped, and the next one is heard', async (t) => {
  const got: unknown[] = [];
  const end = service.subscribe(
    'test.news',
    Type.Object({ n: Type.Integer(), more: Type.Optional(Type.Unknown()) }),
    (news) => got.push(news.n),
  );
  await service.nats.flush();
  for (const message of [
    `{"n":1,"more":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    '{',
    '',
    '{"n":1e308}',
  ]) {
    attacker.publish('test.news', message);
  }
  attacker.publish('test.news', '{"n":2}');
  await attacker.flush();
  await service.nats.flush();
  t.same(got, [2]);
  end();
});

t.test('whoever answers cannot have the caller publish elsewhere, or fetch without end', async (t) => {
  const answers: [what: string, answer: string][] = [
    ['a body elsewhere', JSON.stringify({ ref: { inbox: 'rigel.catalog.template.delete', chunks: 1 } })],
    ['a body without end', JSON.stringify({ ref: { inbox: BODY, chunks: 4_294_967_295 } })],
    ['a list', '[]'],
    ['no JSON', 'no'],
    ['nothing', ''],
    ['null', 'null'],
    ['an error without form', '{"error":{"code":{},"message":[]}}'],
    ['an error of an unknown kind', '{"error":{"code":"constructor","message":"x"}}'],
  ];
  const heard = [count('rigel.catalog.template.delete'), count(BODY)];
  for (const together of [false, true]) {
    for (const [what, answer] of answers) {
      const rpc = defineRpc(`test.stranger${together ? 's' : ''}`, {
        request: Type.Object({}),
        response: Type.Object({}),
        timeoutMs: TIMEOUT_MS,
        together,
      });
      const stranger = attacker.subscribe(rpc.subject, { callback: (_, message) => message.respond(answer) });
      await attacker.flush();
      await t.rejects(client.call(rpc, {}, caller), { name: 'ServiceError', code: 'unavailable' }, what);
      stranger.unsubscribe();
      await attacker.flush();
    }
  }
  for (const { messages, end } of heard) {
    t.equal(messages, 0);
    end();
  }
});

t.test('a refusal of a whole message reaches each of its requests', async (t) => {
  const rpc = defineRpc('test.busy', {
    request: Type.Object({}),
    response: Type.Object({}),
    together: true,
  });
  const busy = attacker.subscribe(rpc.subject, {
    callback: (_, message) => message.respond('{"error":{"code":"invalid","message":"not so many"}}'),
  });
  await attacker.flush();
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => client.call(rpc, {}, caller)));
  t.same(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.message),
    ['not so many', 'not so many', 'not so many'],
  );
  busy.unsubscribe();
});
