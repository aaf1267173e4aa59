import fc from 'fast-check';
import t from 'tap';
import { AttemptOutput, type OutputChunk } from './attempt-output.js';

/** What is to be handed over for a file. */
function whole(file: Buffer, limit: number): Buffer {
  if (file.length <= limit) return file;
  const head = Math.ceil(limit / 2);
  const mark = `\n[rigel: ${file.length - limit} bytes left out, the limit is ${limit} per step]\n`;
  return Buffer.concat([
    file.subarray(0, head),
    Buffer.from(mark),
    file.subarray(file.length - (limit - head)),
  ]);
}

t.test(
  'whatever is received in whatever pieces, the output is a function of the file and the limit',
  async (t) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
        fc.integer({ min: 1, max: 70 }),
        fc.nat({ max: 200 }),
        fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })), { maxLength: 8 }),
        (file, limit, from, live) => {
          const expected = whole(file, limit);
          const fromOffset = from % (expected.length + 1);
          const received: Buffer[] = [];
          let at = fromOffset;
          const output = new AttemptOutput(limit, fromOffset, ({ offset, data }: OutputChunk) => {
            if (offset !== at) throw new Error(`a gap: ${offset} instead of ${at}`);
            at += data.length;
            received.push(data);
          });
          // While it runs: ranges that start anywhere, again and again.
          for (const [start, end] of live) output.range(start, file.subarray(start, Math.max(start, end)));
          const resumeAt = output.neededFrom;
          output.finish(file.length);
          // At the end: what the node's rg_send_rest sends, with the blocks' overhang.
          if (file.length <= limit)
            output.range(Math.max(0, resumeAt - 3), file.subarray(Math.max(0, resumeAt - 3)));
          else {
            output.range(resumeAt, file.subarray(resumeAt, output.headBytes + 2));
            const tail = Math.max(0, file.length - output.tailBytes - 2);
            output.range(tail, Buffer.concat([file.subarray(tail), Buffer.from('written later')]));
          }
          return output.isComplete && Buffer.concat(received).equals(expected.subarray(fromOffset));
        },
      ),
      { numRuns: 5000 },
    );
    t.pass('held for 5000 files');
  },
);
