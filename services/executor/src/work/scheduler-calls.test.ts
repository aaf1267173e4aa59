import { execution, PARTITIONS_TAKEN_SUBJECT, type RpcResponse, ServiceError } from '@rigel/contracts';
import { Bus } from '@rigel/messaging';
import { silentLogger, startTestServers } from '@rigel/testing';
import t, { type Test } from 'tap';
import { SchedulerCalls } from './scheduler-calls.js';

const servers = await startTestServers();
t.teardown(() => servers.stop());
const connected = async (t: Test, name: string): Promise<Bus> => {
  const bus = await Bus.connect({ url: servers.natsUrl, name, log: silentLogger });
  t.teardown(() => bus.close());
  return bus;
};

const context = { correlationId: 'c', actor: 'executor' };
const claim = { task_id: 18, run_id: 7, executor: 'executor', capabilities: [] };
const refused = (reason: string): RpcResponse<typeof execution.claim> => ({ status: 'refused', reason });

t.test(
  'a call that its owner left without an answer is made again when another takes the partition',
  async (t) => {
    const [owner, heir, executor] = await Promise.all(
      ['owner', 'heir', 'executor'].map((name) => connected(t, name)),
    );
    if (!owner || !heir || !executor) throw new Error('not connected');
    const calls = new SchedulerCalls(executor);
    let asked = 0;
    const arrived = new Promise<void>((resolve) => {
      owner.serve(
        execution.claim,
        () => {
          asked++;
          resolve();
          return new Promise(() => undefined);
        },
        { partition: 2 },
      );
    });
    const answer = calls.call(execution.claim, claim, context);
    await arrived;
    await owner.close();
    heir.serve(execution.claim, async () => refused('asked the heir'), { partition: 2 });
    heir.publish(PARTITIONS_TAKEN_SUBJECT, { partitions: [1, 2] });
    t.same(await answer, refused('asked the heir'));
    t.equal(asked, 1);
  },
);

t.test('the owner’s answer and its errors arrive, and other partitions’ news repeat nothing', async (t) => {
  const [owner, executor] = await Promise.all(['owner', 'executor'].map((name) => connected(t, name)));
  if (!owner || !executor) throw new Error('not connected');
  const calls = new SchedulerCalls(executor);
  let asked = 0;
  owner.serve(
    execution.claim,
    async ({ run_id }) => {
      asked++;
      if (run_id === 8) throw new ServiceError('not_found', 'there is no task 18');
      owner.publish(PARTITIONS_TAKEN_SUBJECT, { partitions: [3] });
      await owner.nats.flush();
      await executor.nats.flush();
      return refused('held');
    },
    { partition: 2 },
  );
  t.same(await calls.call(execution.claim, claim, context), refused('held'));
  t.equal(asked, 1);
  await t.rejects(calls.call(execution.claim, { ...claim, run_id: 8 }, context), { code: 'not_found' });
});
