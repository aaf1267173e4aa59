import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { type RpcRequest, ServiceError, tasks } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { startTestGateway, type TestGateway } from '../testing/gateway.js';
import { task as exampleTask } from '../testing/rows.js';

const RUNNING = { ...exampleTask, id: 7, state: 1 as const, end_reason: '' as const };
const ENDED = { ...exampleTask, id: 7, state: 2 as const, end_reason: 'completed' as const };

async function gateway(t: Test, streams = 100): Promise<TestGateway> {
  const started = await startTestGateway({ streams });
  t.teardown(() => started.stop());
  started.services.on(tasks.get, () => RUNNING);
  return started;
}

const waitFor7 = ({ app }: TestGateway, wait: unknown, method: 'GET' | 'POST' = 'GET') =>
  app.inject({ method, url: `/task/7?wait=${wait}` });

t.test('the answer comes when the scheduler says that the run is over, and is the task', async (t) => {
  const test = await gateway(t);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  test.services.on(tasks.awaitEnd, async () => {
    await ended;
    return { task: ENDED, over: true };
  });
  let answered = false;
  const asked = [waitFor7(test, 30), waitFor7(test, 30, 'POST')];
  void asked[0]?.then(() => {
    answered = true;
  });
  await waitFor(() => test.services.last(tasks.awaitEnd) !== undefined, { what: 'the scheduler is asked' });
  t.notOk(answered);
  end();
  const [got, posted] = await Promise.all(asked);
  t.match(got?.json(), { code: 0, data: { id: 7, state: 2, end_reason: 'completed' } });
  t.match(posted?.json(), { code: 0, data: [{ id: 7, state: 2 }], query_count: 1 });
  t.equal(test.services.last(tasks.get), undefined, 'nothing more is asked');
  const { wait_ms = 0 } = (test.services.last(tasks.awaitEnd)?.data ?? {}) as Partial<
    RpcRequest<typeof tasks.awaitEnd>
  >;
  t.ok(wait_ms > 4_000 && wait_ms <= 5_000, 'a piece of the time: a scheduler may die');
});

t.test(
  'after the time the task is told as it is; a scheduler that answers early is asked again',
  async (t) => {
    const test = await gateway(t);
    let asked = 0;
    test.services.on(tasks.awaitEnd, () => {
      asked++;
      if (asked === 2) throw new ServiceError('unavailable', 'the partition is not owned here');
      return { task: RUNNING, over: false };
    });
    const begun = Date.now();
    const answer = await waitFor7(test, 1);
    t.match(answer.json(), { code: 0, data: { id: 7, state: 1, end_reason: '' } });
    t.ok(Date.now() - begun >= 990);
    t.ok(asked >= 3 && asked <= 10, `asked ${asked} times, not all the time`);
  },
);

t.test('a wait that is not possible is refused', async (t) => {
  const test = await gateway(t, 1);
  test.services.on(tasks.awaitEnd, ({ id }) => {
    throw new ServiceError('not_found', `there is no task ${id}`);
  });
  t.match((await waitFor7(test, 1)).json(), { code: 400, msg: 'flow not found id 7' });
  for (const wrong of ['31', '-1', '1.5', 'long']) {
    const { json } = await waitFor7(test, wrong);
    t.match(json(), { code: 400, msg: /wait/ }, wrong);
  }
  t.match((await waitFor7(test, 0)).json(), { code: 0, data: { state: 1 } }, 'no wait');
  let end: () => void = () => undefined;
  test.services.on(
    tasks.awaitEnd,
    () =>
      new Promise((resolve) => {
        end = () => resolve({ task: ENDED, over: true });
      }),
  );
  test.services.forget();
  const first = waitFor7(test, 30);
  await waitFor(() => test.services.last(tasks.awaitEnd) !== undefined, { what: 'one waits' });
  t.match((await waitFor7(test, 30)).json(), { code: 503, msg: /1 clients wait already/ });
  end();
  t.match((await first).json(), { code: 0 });
});

t.test(
  'the wait of a client that is gone ends, and all others get answers when the gateway ends',
  async (t) => {
    const test = await gateway(t, 1);
    test.services.on(tasks.awaitEnd, () => new Promise(() => undefined));
    await test.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = test.app.server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.write('GET /task/7?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await waitFor(() => test.services.last(tasks.awaitEnd) !== undefined, { what: 'one waits' });
    client.destroy();
    test.services.forget();
    // Only one may wait: another one can as soon as the first is seen to be gone.
    let other: Promise<Response> | undefined;
    await waitFor(
      async () => {
        other = fetch(`http://127.0.0.1:${port}/task/7?wait=30`);
        const asked = waitFor(() => test.services.last(tasks.awaitEnd), { what: 'the scheduler is asked' });
        asked.catch(() => undefined);
        return (await Promise.race([other.then(({ status }) => status), asked])) !== 503;
      },
      { what: 'another one waits' },
    );
    await test.app.close();
    t.match(await (await other)?.json(), { code: 0, data: { state: 1 } });
  },
);
