import { systemClock } from '@rigel/clock';
import { execution, type OutputPiece, ServiceError } from '@rigel/contracts';
import { Bus } from '@rigel/messaging';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { OutputSender } from './output-sender.js';
import { SchedulerCalls } from './scheduler-calls.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());

const kept = { head: 10, tail: 10 };

/** A sender, and a scheduler that takes its pieces when it is told to. */
async function pair(t: Test) {
  const [scheduler, executor] = await Promise.all(
    ['scheduler', 'executor'].map((name) => Bus.connect({ url: servers.natsUrl, name, log: silentLogger })),
  );
  if (!scheduler || !executor) throw new Error('not connected');
  const stored: OutputPiece[] = [];
  const state = { available: true, asked: 0 };
  const end = scheduler.serve(
    execution.output,
    async ({ output }) => {
      state.asked++;
      if (!state.available) throw new ServiceError('unavailable', 'not now');
      stored.push(output);
      return {};
    },
    { partition: 1 },
  );
  t.teardown(async () => {
    await end();
    await Promise.all([scheduler.close(), executor.close()]);
  });
  const run = { task_id: 1, run_id: 1, lease: 1, uuid: 'u', step: 0, attempt: 1 };
  const context = { correlationId: 'c', actor: 'executor' };
  const sender = new OutputSender(new SchedulerCalls(executor), run, context, systemClock);
  return { sender, stored, state };
}

const read = (piece: OutputPiece | undefined) =>
  piece && [piece.offset, Buffer.from(piece.data, 'base64').toString(), ...(piece.kept ? [piece.kept] : [])];

t.test(
  'output without gaps is one piece, output after a gap is another, and the last piece is part of the report',
  async (t) => {
    const { sender, stored } = await pair(t);
    sender.add(0, Buffer.from('begin'));
    sender.add(5, Buffer.from('ning\n'));
    sender.add(30, Buffer.from('and'), kept);
    sender.add(33, Buffer.from(' on\n'), kept);
    // The end once more, from an earlier byte on.
    sender.add(27, Buffer.from('...and on\n'), kept);
    const rest = await sender.finish();
    t.same(stored.map(read), [
      [0, 'beginning\n'],
      [30, 'and on\n', kept],
    ]);
    t.same(read(rest), [27, '...and on\n', kept]);
  },
);

t.test('while no scheduler answers, no more output waits than is kept in the end', async (t) => {
  const { sender, stored, state } = await pair(t);
  state.available = false;
  sender.add(0, Buffer.from('beginning\n'));
  await waitFor(() => state.asked > 0, { what: 'the first piece to be sent' });
  for (let byte = 10; byte < 5000; byte++) sender.add(byte, Buffer.from('x'), byte < 20 ? undefined : kept);
  for (let byte = 6000; byte < 9000; byte += 5) sender.add(byte, Buffer.from('yyy'), kept);
  state.available = true;
  const rest = await sender.finish();
  const bytes = [...stored, rest].map((piece) => read(piece));
  t.same(bytes[0]?.slice(0, 2), [0, 'beginning\n']);
  t.same(
    bytes.slice(-2),
    [8990, 8995].map((offset) => [offset, 'yyy', kept]),
  );
  const sent = bytes.reduce((sum, piece) => sum + String(piece?.[1]).length, 0);
  t.ok(sent < 60, `${sent} bytes were sent`);
});
