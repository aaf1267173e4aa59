import { randomUUID } from 'node:crypto';
import t from 'tap';
import type { AttemptOutcome } from './attempt-outcome.js';
import { ConnectFailure } from './connect-failure.js';
import { ConnectionLost } from './connection-lost.js';
import { runAttempt } from './run-attempt.js';
import { startNodeUnderTest } from './testing/node-under-test.js';

const ATTEMPTS = 30;
const EXECUTORS = 2;

/** A small generator of pseudo-random numbers, so that a failure can be tried again with its seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

t.test('executors and connections that die at any moment: each command runs once', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.comment(`SEED=${seed}`);
  const random = randomFrom(seed);
  const node = await startNodeUnderTest();
  t.teardown(() => node.stop());

  let busy = true;
  /** Kills all connections, again and again, at random moments. */
  const havoc = (async () => {
    while (busy) {
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 400));
      await node.sshd.stopSessions();
    }
  })();

  /** What an executor does: it tries until it knows the outcome, and goes on with the output where it was. */
  const drive = async (key: string, patience: number) => {
    let text = '';
    const spec = {
      key,
      actions: [
        {
          kind: 'command' as const,
          text: `echo ran >> ran-${key}; echo one; sleep 0.${key.length % 5}; echo two; exit 3`,
          name: 'c',
        },
      ],
    };
    const deadline = Date.now() + 120_000;
    for (;;) {
      if (Date.now() > deadline) throw new Error(`attempt ${key} has no outcome after 120 s`);
      try {
        const connection = await node.connect();
        const dies = setTimeout(() => connection.close(), patience * random());
        const outcome: AttemptOutcome = await runAttempt(connection, spec, {
          fromOffset: text.length,
          followAfterMs: 30,
          onOutput: ({ offset, data }) => {
            if (offset !== text.length) throw new Error(`output at ${offset} instead of ${text.length}`);
            text += data.toString();
          },
        });
        clearTimeout(dies);
        connection.close();
        return { outcome, text };
      } catch (error) {
        // What an executor sees when a connection dies; anything else is a failure of the test.
        if (!(error instanceof ConnectionLost || error instanceof ConnectFailure)) throw error;
        patience *= 2;
      }
    }
  };

  const keys = Array.from({ length: ATTEMPTS }, (_, index) => `${randomUUID()}${'x'.repeat(index % 5)}`);
  const queue = [...keys];
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
        const mine = key;
        const results = await Promise.all(Array.from({ length: EXECUTORS }, () => drive(mine, 100)));
        for (const { outcome, text } of results) {
          t.match(outcome, { kind: 'exited', exitCode: 3 });
          t.equal(text, 'one\ntwo\n');
        }
        t.equal(await node.homeFile(`ran-${key}`), 'ran\n');
      }
    }),
  );
  busy = false;
  await havoc;
});
