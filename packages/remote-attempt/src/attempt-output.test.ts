import fc from 'fast-check';
import t from 'tap';
import { AttemptOutput } from './attempt-output.js';
import { OutputStore } from './testing/output-store.js';

/** What is to be stored of a file. */
function whole(file: Buffer, limit: number): string {
  if (file.length <= limit) return file.toString('latin1');
  const head = Math.ceil(limit / 2);
  const tail = file.toString('latin1', file.length - (limit - head));
  return file.toString('latin1', 0, head) + (tail === '' ? '' : `<${file.length - limit}>${tail}`);
}

/** What the node sends at the end, with the blocks' overhang, to somebody who has all up to a byte. */
function sendRest(output: AttemptOutput, file: Buffer, from: number, limit: number): void {
  const head = Math.ceil(limit / 2);
  const at = Math.min(from, head);
  if (file.length <= limit) {
    output.range(Math.max(0, at - 3), file.subarray(Math.max(0, at - 3)));
    return;
  }
  if (at < head) output.range(at, file.subarray(at, head + 2));
  const tail = Math.max(0, file.length - (limit - head) - 2);
  output.range(tail, Buffer.concat([file.subarray(tail), Buffer.from('written later')]));
}

const file = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const limits = fc.integer({ min: 1, max: 70 });

t.test(
  'whatever is received in whatever pieces, what is stored is a function of file and limit',
  async (t) => {
    fc.assert(
      fc.property(
        file,
        limits,
        // While it runs: ranges that start anywhere, again and again, for one executor after the other.
        fc.array(fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })), { maxLength: 8 }), {
          minLength: 1,
          maxLength: 3,
        }),
        (file, limit, executors) => {
          const store = new OutputStore();
          for (const [index, live] of executors.entries()) {
            const output = new AttemptOutput(limit, store.end, store.onOutput);
            for (const [start, end] of live) {
              if (start < file.length) output.range(start, file.subarray(start, Math.max(start, end)));
            }
            if (index < executors.length - 1) continue;
            output.finish(file.length);
            sendRest(output, file, output.position, limit);
            if (!output.isComplete) return false;
          }
          return store.text === whole(file, limit);
        },
      ),
      { numRuns: 5000 },
    );
    t.pass('held for 5000 files');
  },
);

t.test('the settled limit counts, even for an executor with another one', async (t) => {
  fc.assert(
    fc.property(file, limits, limits, fc.nat({ max: 60 }), (file, settled, own, at) => {
      const store = new OutputStore();
      const headBytes = Math.ceil(settled / 2);
      const shares = { headBytes, tailBytes: settled - headBytes };
      const first = new AttemptOutput(settled, 0, store.onOutput);
      first.range(0, file.subarray(0, at));
      const output = new AttemptOutput(own, store.end, store.onOutput);
      output.settle(shares);
      output.finish(file.length);
      sendRest(output, file, store.end, settled);
      return output.isComplete && store.text === whole(file, settled);
    }),
    { numRuns: 2000 },
  );
  t.pass('held for 2000 files');
});

t.test('a line behind the end says that the disk was full, once', async (t) => {
  const store = new OutputStore();
  const text = Buffer.from('all that there was room for');
  const first = new AttemptOutput(1000, 0, store.onOutput);
  first.range(0, text.subarray(0, 10));
  first.finish(text.length, true);
  t.notOk(first.isComplete);
  first.range(0, text);
  t.ok(first.isComplete);
  t.match(store.text, /^all that there was room for\n\[rigel: the disk of the node was full .* missing\]\n$/);
  const chunks: unknown[] = [];
  const second = new AttemptOutput(1000, store.end, (chunk) => chunks.push(chunk));
  second.finish(text.length, true);
  second.range(0, text);
  t.ok(second.isComplete);
  t.same(chunks, [], 'another executor does not say it again');
  const nothing: string[] = [];
  new AttemptOutput(1000, 0, ({ data }) => nothing.push(data.toString())).finish(0, true);
  t.match(nothing, [/disk of the node was full/]);
});
