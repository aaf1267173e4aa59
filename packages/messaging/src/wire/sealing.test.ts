import { setTimeout as sleep } from 'node:timers/promises';
import { defineRpc, type Rpc } from '@rigel/contracts';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { Type } from 'typebox';
import { Bus } from '../bus/bus.js';
import { startTestNats } from '../testing/nats.js';
import { AnswerOpener, AnswerSealer, type Question } from './sealing.js';

const SUBJECT = 'rigel.test.answer';
const ANSWER = Buffer.from('{"ok":"a secret"}');

const opener = (): AnswerOpener => new AnswerOpener(() => undefined);
/** What a question says of how its answer is to be sealed. */
const askedIn = ({ message }: Question): unknown => JSON.parse(message).s;
const text = (content: Uint8Array | undefined): string | undefined =>
  content && Buffer.from(content).toString();

t.test('a sealed answer is read by whoever has asked, and by nobody else', async (t) => {
  const [asker, other] = [opener(), opener()];
  const sealer = new AnswerSealer();
  const question = asker.question(SUBJECT, '{"c":"1","d":{}}');
  t.match(JSON.parse(question.message), { c: '1', d: {}, s: { k: String, n: String } });
  const sealed = sealer.for(SUBJECT, askedIn(question))?.(ANSWER) as Buffer;
  t.notOk(sealed.includes('secret'));
  t.equal(text(question.open(sealed)), ANSWER.toString());
  t.equal(other.question(SUBJECT, '{"d":1}').open(sealed), undefined, 'another process');
  const forged = new AnswerSealer().for(SUBJECT, askedIn(other.question(SUBJECT, '{"d":1}')))?.(ANSWER);
  t.equal(question.open(forged as Buffer), undefined, 'sealed for another process');
});

t.test('an answer belongs to one request on one subject, and to what it was sealed as', async (t) => {
  const asker = opener();
  const sealer = new AnswerSealer();
  const [first, second] = [asker.question(SUBJECT, '{"d":1}'), asker.question(SUBJECT, '{"d":1}')];
  const asked = askedIn(first);
  const seal = sealer.for(SUBJECT, asked);
  const answer = seal?.(ANSWER) as Buffer;
  t.equal(second.open(answer), undefined, 'replayed to another request');
  t.equal(
    first.open(sealer.for('rigel.test.other', asked)?.(ANSWER) as Buffer),
    undefined,
    'another subject',
  );
  const body = seal?.(ANSWER, 'rigel.body.service.1') as Buffer;
  t.equal(first.open(body), undefined, 'a body is no answer');
  t.equal(first.open(body, 'rigel.body.service.2'), undefined, 'another body');
  t.equal(text(first.open(body, 'rigel.body.service.1')), ANSWER.toString());
  t.equal(text(first.open(answer)), ANSWER.toString());
  // Whoever has overheard the public key, and not the number of the request, can seal for it: in vain.
  const guessed = { ...(asked as object), n: 'A'.repeat(22) };
  t.equal(first.open(new AnswerSealer().for(SUBJECT, guessed)?.(ANSWER) as Buffer), undefined);
});

t.test('an answer with any bit changed, cut off or added to is none', async (t) => {
  const question = opener().question(SUBJECT, '{"d":1}');
  const sealed = new AnswerSealer().for(SUBJECT, askedIn(question))?.(ANSWER) as Buffer;
  t.equal(text(question.open(sealed)), ANSWER.toString());
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] as number) ^ 0x01;
    if (question.open(changed) !== undefined) t.fail(`byte ${at} may be changed`);
    if (question.open(sealed.subarray(0, at)) !== undefined) t.fail(`${at} bytes are enough`);
  }
  t.equal(question.open(Buffer.concat([sealed, Buffer.of(0)])), undefined);
  t.equal(question.open(Buffer.alloc(0)), undefined);
});

t.test('what is not sealed is taken until the first sealed answer has come, and then no more', async (t) => {
  const ignored: string[] = [];
  const asker = new AnswerOpener((subject) => ignored.push(subject));
  const before = asker.question(SUBJECT, '{"d":1}');
  t.equal(text(before.open(ANSWER)), ANSWER.toString(), 'a service of the release before');
  t.equal(before.open(Buffer.of(1, 2, 3)), undefined);
  t.equal(text(before.open(ANSWER)), ANSWER.toString(), 'what cannot be opened changes nothing');
  const after = asker.question(SUBJECT, '{"d":1}');
  t.ok(after.open(new AnswerSealer().for(SUBJECT, askedIn(after))?.(ANSWER) as Buffer));
  t.equal(after.open(ANSWER), undefined);
  t.equal(before.open(ANSWER), undefined);
  t.same(ignored, [SUBJECT, SUBJECT, SUBJECT]);
});

t.test('a request that asks for what cannot be is refused', async (t) => {
  const sealer = new AnswerSealer();
  const k = Buffer.alloc(32, 9).toString('base64url');
  const n = 'A'.repeat(22);
  for (const asked of [
    null,
    1,
    'x',
    {},
    { k },
    { n },
    { k: `${k}A`, n },
    { k, n: '' },
    { k: 'A'.repeat(42), n },
  ])
    t.throws(() => sealer.for(SUBJECT, asked), { code: 'invalid' }, JSON.stringify(asked));
  // A point of small order: the shared secret would be known to all.
  t.throws(() => sealer.for(SUBJECT, { k: Buffer.alloc(32).toString('base64url'), n }), { code: 'invalid' });
  t.equal(sealer.for(SUBJECT, undefined), undefined, 'nobody asks');
});

const nats = await startTestNats(t);
const log = pino({ level: 'silent' });
const schemas = {
  request: Type.Object({ n: Type.Integer() }),
  response: Type.Object({ text: Type.String() }),
};
const context = { correlationId: 'c', actor: 'a' };

/** Two services, and all that is heard where their answers arrive. */
async function listening(t: Test): Promise<{ served: Bus; asking: Bus; heard: () => string }> {
  const [served, asking, third] = await Promise.all(
    ['served', 'asking', 'third'].map((name) => Bus.connect({ url: nats.url, name, log })),
  );
  if (!served || !asking || !third) throw new Error('not connected');
  t.teardown(() => Promise.all([served, asking, third].map((bus) => bus.close())));
  let heard = '';
  third.nats.subscribe('_INBOX.>', {
    callback: (_, { data }) => {
      heard += Buffer.from(data).toString('latin1');
    },
  });
  await third.nats.flush();
  return {
    served,
    asking,
    heard: () => heard,
  };
}

const bodies = 'x'.repeat(3_000_000);
for (const [what, rpc] of [
  ['alone', defineRpc('sealed.alone', { ...schemas, sealed: true })],
  ['together', defineRpc('sealed.together', { ...schemas, sealed: true, together: true })],
] as [string, Rpc<typeof schemas.request, typeof schemas.response>][]) {
  t.test(
    `sealed answers of requests that travel ${what}, small and large, tell a listener nothing`,
    async (t) => {
      const { served, asking, heard } = await listening(t);
      served.serve(rpc, async ({ n }) => {
        if (n < 0) throw new Error('a fault of ours');
        return { text: n === 3 ? `secret ${bodies}` : `secret ${n}` };
      });
      const call = (n: number) => asking.call(rpc, { n }, context);
      const answers = await Promise.all([1, 2, 3, 4].map(call));
      t.same(
        answers.map(({ text }) => text.length),
        [8, 8, 7 + bodies.length, 8],
      );
      await t.rejects(call(-1), { code: 'internal' });
      // The listener has a connection of its own.
      for (let tries = 0; heard().length <= 3_000_000 && tries < 1_000; tries++) await sleep(10);
      t.ok(heard().length > 3_000_000, 'all of it was heard');
      for (const word of ['secret', 'xxxx', 'internal', '"ok"']) t.notOk(heard().includes(word), word);
    },
  );
}

t.test('what others send in place of an answer is looked past: the true one arrives', async (t) => {
  const { served, asking } = await listening(t);
  const rpc = defineRpc('sealed.forged', { ...schemas, sealed: true });
  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  served.serve(rpc, async ({ n }) => {
    if (n === 1) {
      ask();
      await held;
    }
    return { text: `true ${n}` };
  });
  await asking.call(rpc, { n: 0 }, context);
  // The number of the request, which a listener would see: the second of this process.
  const inbox: string[] = [];
  served.nats.subscribe('rigel.sealed.forged', {
    callback: (_, { reply }) => void inbox.push(reply as string),
  });
  await served.nats.flush();
  const call = asking.call(rpc, { n: 1 }, context);
  await asked;
  for (const forged of ['{"ok":{"text":"forged"}}', '', '\x01', 'no json'])
    served.nats.publish(inbox[0] as string, Buffer.from(forged));
  await served.nats.flush();
  answer();
  t.same(await call, { text: 'true 1' });
});

t.test(
  'a service that knows nothing of seals is understood, and one that asks for none is answered',
  async (t) => {
    const { served, asking } = await listening(t);
    const sealed = defineRpc('sealed.older', { ...schemas, sealed: true, together: true });
    const plain = { ...sealed, sealed: false };
    const stop = served.serve(plain, async ({ n }) => ({ text: `plain ${n}` }));
    t.same(
      await Promise.all([asking.call(sealed, { n: 1 }, context), asking.call(sealed, { n: 2 }, context)]),
      [{ text: 'plain 1' }, { text: 'plain 2' }],
    );
    await stop();
    served.serve(sealed, async ({ n }) => ({ text: `new ${n}` }));
    t.same(await asking.call(plain, { n: 3 }, context), { text: 'new 3' });
  },
);
