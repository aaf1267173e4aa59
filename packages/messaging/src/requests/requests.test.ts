import { systemClock } from '@rigel/clock';
import { connect, type Msg } from 'nats';
import t, { type Test } from 'tap';
import { startTestNats } from '../testing/nats.js';
import { Requests } from './requests.js';

const server = await startTestNats(t);
const served = await connect({ servers: server.url });
const client = await connect({ servers: server.url });
t.teardown(() => Promise.all([served.close(), client.close()]));
const requests = new Requests(client, systemClock);

let subjects = 0;
/** Answers a subject of its own until the test ends. */
async function serve(t: Test, answer: (message: Msg) => void): Promise<string> {
  const subject = `test.${++subjects}`;
  const subscription = served.subscribe(subject, { callback: (_, message) => answer(message) });
  t.teardown(() => subscription.unsubscribe());
  await served.flush();
  return subject;
}
const send = async (subject: string, text: string, timeoutMs = 10_000): Promise<string> =>
  Buffer.from(await requests.send(subject, Buffer.from(text), timeoutMs)).toString();

t.test('each request gets its own answer, in whatever order they come', async (t) => {
  const held: Msg[] = [];
  const subject = await serve(t, (message) => {
    held.push(message);
    if (held.length < 100) return;
    for (const one of held.reverse()) one.respond(`${one.string()}!`);
  });
  const texts = Array.from({ length: 100 }, (_, n) => `request ${n}`);
  t.strictSame(
    await Promise.all(texts.map((text) => send(subject, text))),
    texts.map((text) => `${text}!`),
  );
});

t.test(
  'once the connection has broken nobody waits long, and what is answered all the same arrives',
  async (t) => {
    const held: Msg[] = [];
    const never = await serve(t, () => undefined);
    const slow = await serve(t, (message) => held.push(message));
    const outcome = (request: Promise<string>) => request.catch(({ code }) => code);
    const long = outcome(send(never, 'long', 600_000));
    const short = outcome(send(never, 'short', 300));
    const answered = send(slow, 'slow', 600_000);
    await client.flush();
    await served.flush();
    const order: string[] = [];
    void long.then(() => order.push('long'));
    void short.then(() => order.push('short'));
    requests.connectionLost();
    held[0]?.respond('late');
    t.equal(await answered, 'late');
    t.equal(await long, 'TIMEOUT', 'given up, not waited for ten minutes');
    t.equal(await short, 'TIMEOUT');
    t.strictSame(order, ['short', 'long'], 'what had less time left does not get more');
  },
);

t.test('an empty answer is an answer', async (t) => {
  const subject = await serve(t, (message) => void message.respond(''));
  t.equal(await send(subject, ''), '');
});

t.test('nobody listens: said at once, not after the time is up', async (t) => {
  await t.rejects(send('test.nobody', '', 2 ** 30), { name: 'NatsError', code: '503' });
});

t.test('no answer in time; a late one and a second one disturb nobody', async (t) => {
  const late: Msg[] = [];
  const subject = await serve(t, (message) => {
    if (message.string() === 'slow') late.push(message);
    else for (const answer of ['first', 'second']) message.respond(answer);
  });
  await t.rejects(send(subject, 'slow', 100), { name: 'NatsError', code: 'TIMEOUT' });
  late[0]?.respond('late');
  t.equal(await send(subject, 'fast'), 'first');
  t.equal(await send(subject, 'fast'), 'first');
});

t.test('the connection is closed with requests on their way, and before one', async (t) => {
  const nats = await connect({ servers: server.url });
  const own = new Requests(nats, systemClock);
  let receive = (): void => undefined;
  const received = new Promise<void>((resolve) => {
    receive = resolve;
  });
  const subject = await serve(t, () => receive());
  const refused = t.rejects(own.send(subject, Buffer.from('never answered'), 2 ** 30), {
    name: 'NatsError',
    code: 'CONNECTION_CLOSED',
  });
  await received;
  await nats.close();
  await refused;
  await t.rejects(own.send('test.1', Buffer.from(''), 100), { name: 'NatsError', code: 'CONNECTION_CLOSED' });
  await t.rejects(new Requests(nats, systemClock).send('test.1', Buffer.from(''), 100), {
    code: 'CONNECTION_CLOSED',
  });
});
