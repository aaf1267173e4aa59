import {
  type Capability,
  controlSubject,
  ExecutorControl,
  execution,
  HEARTBEAT_SUBJECT,
  type Heartbeat,
  type Instruction,
  newExecutor,
  type RpcRequest,
  tasks,
  taskWhy,
} from '@rigel/contracts';
import { silentLogger, startTestServers, waitFor } from '@rigel/testing';
import pg from 'pg';
import type { Logger } from 'pino';
import t from 'tap';
import { Counterpart, serveNeighbours, startReplica } from '../testing/scheduler.js';

/*
 * Executors share a user of NATS, so that each could send what the others send. What keeps them apart is the key of each.
 */

const servers = await startTestServers();
t.teardown(() => servers.stop());
serveNeighbours(await servers.startBus('neighbours'));
const counterpart = new Counterpart(await servers.startBus('counterpart'));
const logged: { executor?: string; refused?: string }[] = [];
const note = (data: object) => void logged.push(data);
const scheduler = await startReplica(servers, 'scheduler', {
  ...silentLogger,
  child: () => silentLogger,
  error: note,
  warn: note,
} as unknown as Logger);
t.teardown(() => scheduler.stop());

let nextNode = 1;
const honest = newExecutor('executor-1');
const forger = newExecutor('executor-2');
const capabilities: Capability[] = ['ssh'];

interface Claimed {
  id: number;
  run: number;
  lease: number;
  uuid: string;
  next: Instruction;
}

/** A run that this executor has claimed. */
async function claimed(executor: { name: string; key?: string | undefined }): Promise<Claimed> {
  const { ids } = await counterpart.patiently(tasks.create, {
    template_id: 1,
    task_name: 'test',
    timeout: 0,
    auto: true,
    max_ratio: 100,
    max_num: 0,
    opr_user: 'root',
    nodes: [`10.0.0.${nextNode++}`],
    params: {},
  });
  const id = ids[0] as number;
  const { rows } = await counterpart.call(tasks.detail, { id });
  const run = rows[0]?.id as number;
  const { name, key } = executor;
  const request = { task_id: id, run_id: run, executor: name, key, capabilities };
  const answer = await counterpart.patiently(execution.claim, request, id);
  if (answer.status !== 'granted') throw new Error(answer.reason);
  return { id, run, lease: answer.lease, uuid: answer.uuid as string, next: answer.next };
}

type Shown = { key?: string | undefined; uuid?: string | undefined };
function report({ id, run, lease, next }: Claimed, shown: Shown): RpcRequest<typeof execution.report> {
  return { ...counterpart.report(id, run, lease, next), ...shown };
}

/** What somebody else may show; `uuid` is of the task, which whoever asks for its plan learns. */
const wrong = ({ uuid }: Claimed): Shown[] => [
  {},
  { uuid },
  { key: forger.key },
  { key: forger.key, uuid },
  { key: 'A'.repeat(22), uuid },
  { key: honest.key },
];

const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'done',
    ({ code }) => code,
  );

t.test(
  'without the key and the uuid nobody reports, sends output, places or hands back under a lease',
  async (t) => {
    const run = await claimed(honest);
    const { id, lease, next } = run;
    if (next.do !== 'run') throw new Error('nothing to run');
    const attempt = { step: next.step, attempt: next.attempt };
    const output = { offset: 0, data: Buffer.from('forged').toString('base64') };
    const placement = { folder: '/tmp/forged', boot_id: 'b', memory: true };
    for (const shown of wrong(run)) {
      const leased = { task_id: id, run_id: run.run, lease, ...shown };
      t.match(await counterpart.call(execution.report, { ...report(run, shown), output }, id), {
        status: 'refused',
        reason: /came without the (key of that executor|uuid of the task)/,
      });
      t.match(
        await counterpart.call(execution.place, { ...leased, ...attempt, placement, why: 'forged' }, id),
        { status: 'refused' },
      );
      t.equal(
        await outcome(counterpart.call(execution.output, { ...leased, ...attempt, output }, id)),
        'wrong_state',
      );
      t.equal(await outcome(counterpart.call(execution.handBack, leased, id)), 'wrong_state');
    }
    const own = { key: honest.key, uuid: run.uuid };
    t.match(await counterpart.call(execution.report, report(run, own), id), {
      status: 'accepted',
      next: { do: 'run', step: 1, attempt: 1 },
    });
    t.match(
      await counterpart.call(execution.report, { ...report(run, { uuid: run.uuid }), output }, id),
      { status: 'refused' },
      'nor is a report repeated',
    );
    const log = JSON.stringify(await counterpart.call(tasks.nodeLog, { id: run.run }));
    t.notMatch(log, /forged/);
    t.notMatch(JSON.stringify(await counterpart.call(tasks.detail, { id })), /forged/);
  },
);

t.test('people are told of it, and of which executor, and not each time', async (t) => {
  const run = await claimed(honest);
  for (let n = 0; n < 5; n++) await counterpart.call(execution.report, report(run, {}), run.id);
  const told = logged.filter(({ refused }) => refused !== undefined);
  t.match(told[0], { executor: honest.name, refused: /^report for task \d+: lease 1 of run/ });
  // One, or two where a minute has passed.
  t.ok(told.length <= 2);
  t.notOk(JSON.stringify(logged).includes(honest.key));
});

t.test('nobody claims in the name of another executor', async (t) => {
  const run = await claimed(honest);
  const request = { task_id: run.id, run_id: run.run, executor: honest.name, capabilities };
  for (const key of [undefined, forger.key])
    t.match(await counterpart.call(execution.claim, { ...request, key }, run.id), {
      status: 'refused',
      reason: `this is not the key of executor ${honest.name}`,
    });
  t.match(
    await counterpart.call(execution.claim, { ...request, key: honest.key }, run.id),
    { status: 'granted', lease: 2 },
    'its answer was lost',
  );
});

t.test('a name that is more than one word of a subject is refused', async (t) => {
  const run = await claimed(honest);
  for (const executor of ['', 'a b', 'a\r\nPUB rigel.inventory.node.remove 2', '>', 'a.*', 'x'.repeat(201)])
    t.equal(
      await outcome(
        counterpart.call(
          execution.claim,
          { task_id: run.id, run_id: run.run, executor, capabilities },
          run.id,
        ),
      ),
      'invalid',
      executor,
    );
});

/** For how long the scheduler has heard nothing of a run's executor, and all that it says of the task. */
async function silence({ id }: Claimed): Promise<{ ms: number; text: string }> {
  const answer = await counterpart.call(taskWhy, { id });
  const text = JSON.stringify(answer);
  return { ms: Number(/"silent_ms":(\d+)/.exec(text)?.[1]), text };
}

t.test(
  'a heartbeat counts with the key of its executor only, and only for tasks that it names',
  async (t) => {
    const run = await claimed(honest);
    const beat = (rest: Partial<Heartbeat>): void => {
      counterpart.bus.publish(HEARTBEAT_SUBJECT, {
        executor: honest.name,
        leases: [[run.id, run.run, run.lease]],
        tasks: [[run.id, run.uuid]],
        capabilities: ['vm'],
        free_slots: 77,
        waiting: [[run.run, 'a forged wait', 1]],
        ...rest,
      });
    };
    const controls: ExecutorControl[] = [];
    t.teardown(
      counterpart.bus.subscribe(controlSubject(honest.name), ExecutorControl, (control) => {
        controls.push(control);
      }),
    );
    const forge = (): void => {
      beat({});
      beat({ key: forger.key });
      beat({ executor: forger.name, key: forger.key });
      // Its executor would be told that the lease is over, because the task is another one.
      beat({ tasks: [[run.id, 'another']] });
      beat({ key: honest.key, tasks: [], waiting: [] });
    };
    const { text } = await waitFor(
      async () => {
        forge();
        const silent = await silence(run);
        return silent.ms > 1_500 && silent;
      },
      { what: 'nothing is heard of the executor', timeoutMs: 20_000, intervalMs: 200 },
    );
    t.notMatch(text, /a forged wait/);
    t.same(controls, []);
    beat({ key: honest.key, waiting: [[run.run, 'the true wait', 1]] });
    await waitFor(
      async () => {
        const { ms, text } = await silence(run);
        return ms < 1_500 && text.includes('the true wait');
      },
      { what: 'its own heartbeat counts', timeoutMs: 20_000 },
    );
  },
);

t.test('an executor of the release before has no key: its leases are known by their numbers', async (t) => {
  const run = await claimed({ name: 'executor-1-0a1b2c' });
  t.match(await counterpart.call(execution.report, report(run, {}), run.id), {
    status: 'accepted',
    next: { do: 'run', step: 1 },
  });
  const { lease, id } = run;
  t.equal(
    await outcome(counterpart.call(execution.handBack, { task_id: id, run_id: run.run, lease }, id)),
    'done',
  );
  // Whoever goes on with it has a key, and the number is enough no more.
  const request = { task_id: id, run_id: run.run, executor: honest.name, key: honest.key, capabilities };
  const answer = await counterpart.call(execution.claim, request, id);
  if (answer.status !== 'granted') throw new Error(answer.reason);
  const next = { ...run, lease: answer.lease, next: answer.next };
  t.match(await counterpart.call(execution.report, report(next, { uuid: run.uuid }), id), {
    status: 'refused',
  });
});

t.test('the host key of a node is pinned under the lease of its run only, and never replaced', async (t) => {
  const db = new pg.Client({ connectionString: servers.databaseUrl });
  await db.connect();
  t.teardown(() => db.end());
  const node = nextNode;
  const pinned = async (): Promise<unknown[]> => {
    const { rows } = await db.query('SELECT host_key FROM scheduler.host_keys WHERE node_id = $1', [node]);
    return rows.map(({ host_key }) => host_key);
  };
  const run = await claimed(honest);
  const own = { key: honest.key, uuid: run.uuid };
  const first = 'ssh-ed25519 AAAA';
  t.match(
    await counterpart.call(
      execution.report,
      { ...report(run, { uuid: run.uuid }), host_key: 'ssh-ed25519 EVIL' },
      run.id,
    ),
    { status: 'refused' },
  );
  t.same(await pinned(), []);
  const answer = await counterpart.call(execution.report, { ...report(run, own), host_key: first }, run.id);
  if (answer.status !== 'accepted') throw new Error(answer.reason);
  t.same(await pinned(), [first]);
  const second = { ...report({ ...run, next: answer.next }, own), host_key: 'ssh-ed25519 EVIL' };
  t.match(await counterpart.call(execution.report, second, run.id), { status: 'accepted' });
  t.same(await pinned(), [first]);
  t.match(
    logged.find((line) => 'pinned' in line),
    { executor: honest.name, pinned: first, reported: 'ssh-ed25519 EVIL' },
  );
  const { rows } = await db.query(
    `SELECT count(*)::int AS n FROM scheduler.events WHERE stream = $1 AND type = 'HostKeyPinned'`,
    [`task-${run.id}`],
  );
  t.equal(rows[0].n, 1, 'nothing is recorded that does not hold');
});
