import { waitFor } from '@rigel/testing';
import t from 'tap';
import { machineHostKey, RunUnderTest, startCloud } from '../testing/provider-runners.js';

/* create_vm and return_vm at a service that knows no tokens, with the faults of real ones. */

const cloud = await startCloud();
t.teardown(() => cloud.stop());
const { server, address } = cloud;
const entries = (more: object = {}) => ({ vm: { 1: { adapter: 'rest', url: cloud.url, ...more } } });
const created = (requests = server.requests) => requests.filter((line) => line.includes('/expand/')).length;

t.beforeEach(() => {
  server.faults.length = 0;
  server.requests.length = 0;
});

t.test('a machine is made, waited for, and its host key pinned', async (t) => {
  const { report, output } = await new RunUnderTest('create_vm', entries()).run();
  const [vmId] = [...server.machines.keys()].slice(-1);
  t.match(report, {
    result: { status: 'succeeded', reason: '', machine: { vm_id: vmId, ip: address } },
    hostKey: machineHostKey,
  });
  t.equal(created(), 1);
  for (const part of ['asking vm 1 (rest)', `machine ${vmId} has the address ${address}`, 'answers by SSH'])
    t.ok(output.includes(part), `${part} in ${output}`);
});

t.test('a node that has a machine gets no second one', async (t) => {
  const [vmId = ''] = [...server.machines.keys()];
  const { report, output } = await new RunUnderTest('create_vm', entries(), { node: { vmId } }).run({
    attempt: 2,
  });
  t.match(report, { result: { status: 'succeeded', machine: { vm_id: vmId, ip: address } } });
  t.equal(created(), 0);
  t.match(output, `the node already has machine ${vmId}`);
});

t.test('slow and repeated answers change nothing', async (t) => {
  for (const fault of ['slow', 'repeat'] as const) {
    server.faults.push(fault);
    const before = server.machines.size;
    const { report } = await new RunUnderTest('create_vm', entries()).run();
    t.match(report.result, { status: 'succeeded', unknown_machine: undefined }, fault);
    t.equal(server.machines.size, before + 1);
  }
});

t.test('when the provider throttles, the executor asks again, and one machine is made', async (t) => {
  server.faults.push('throttle', 'throttle');
  const before = server.machines.size;
  const { report, output } = await new RunUnderTest('create_vm', entries()).run();
  t.equal(report.result.status, 'succeeded');
  t.equal(server.machines.size, before + 1);
  t.match(output, /waiting: vm 1 \(rest\): .*status 429/);
});

t.test('a refusal, and a delivery without a machine, fail the attempt with the reason', async (t) => {
  server.faults.push('refuse', 'none');
  const run = new RunUnderTest('create_vm', entries());
  const refused = (await run.run()).report.result;
  t.match(refused, { status: 'failed', reason: /no capacity left/ });
  t.notOk(refused.unknown_machine);
  t.notOk(refused.machine);
  t.match((await run.run({ attempt: 2 })).report.result, {
    status: 'failed',
    reason: /delivered no machine/,
  });
  t.match((await run.run({ attempt: 3 })).report.result, { status: 'succeeded' });
});

t.test('after a lost answer, no executor asks for a machine again', async (t) => {
  for (const fault of ['lose', 'broken'] as const) {
    server.faults.push(fault);
    server.requests.length = 0;
    const run = new RunUnderTest('create_vm', entries());
    const { report } = await run.run();
    t.match(report.result, { status: 'failed', unknown_machine: true, reason: /is unknown/ }, fault);
    t.match((await run.run({ attempt: 2 })).report.result, { status: 'failed', unknown_machine: true });
    const found = await new RunUnderTest('create_vm', entries()).run({ begun: true });
    t.match(found.report.result, { status: 'failed', unknown_machine: true });
    t.equal(created(), 1);
  }
});

t.test('a call that takes too long is a lost answer', async (t) => {
  server.faults.push('slow');
  const { report } = await new RunUnderTest('create_vm', entries({ call_timeout: 0.6 })).run();
  t.match(report.result, { status: 'failed', unknown_machine: true, reason: /no answer in 0.6 s/ });
});

t.test('more machines than asked for are named', async (t) => {
  server.faults.push('two');
  const { report, output } = await new RunUnderTest('create_vm', entries()).run();
  t.match(report.result, { status: 'succeeded', unknown_machine: true });
  t.match(output, /delivered 2 machines for 1; not used: i-\d+/);
});

t.test('a machine without an address, and one that fails, are recorded with the reason', async (t) => {
  server.faults.push('no_address', 'fails');
  const first = await new RunUnderTest('create_vm', entries()).run({ timeout_ms: 2_000 });
  t.match(first.report.result, {
    status: 'failed',
    reason: /longer than 2 s, waiting: machine i-\d+ to have an address/,
    machine: { vm_id: /^i-/, ip: '' },
  });
  const second = await new RunUnderTest('create_vm', entries()).run();
  t.match(second.report.result, {
    status: 'failed',
    reason: /initialising failed/,
    machine: { vm_id: /^i-/ },
  });
});

t.test('a stop ends the wait at once, and the report has the machine', async (t) => {
  server.faults.push('no_address');
  const stop = new AbortController();
  const run = new RunUnderTest('create_vm', entries());
  const running = run.run({}, { stop: stop.signal });
  await waitFor(() => run.log.includes('to have an address'), { what: 'the wait for the address' });
  stop.abort();
  t.match((await running).report.result, { status: 'stopped', machine: { vm_id: /^i-/, ip: '' } });
});

t.test('a stop while the provider makes a machine waits for its answer', async (t) => {
  server.faults.push('slow');
  const stop = new AbortController();
  const running = new RunUnderTest('create_vm', entries()).run({}, { stop: stop.signal });
  await waitFor(() => created() === 1, { what: 'the request' });
  stop.abort();
  t.match((await running).report.result, { status: 'stopped', machine: { vm_id: /^i-/ } });
});

t.test('when another executor has the run, the attempt rejects', async (t) => {
  const abandon = new AbortController();
  server.faults.push('no_address');
  const run = new RunUnderTest('create_vm', entries());
  const running = run.run({}, { abandon: abandon.signal });
  await waitFor(() => run.log.includes('to have an address'), { what: 'the wait for the address' });
  abandon.abort(new Error('the lease is over'));
  await t.rejects(running, { message: 'the lease is over' });
});

t.test(
  'when the SSH server of a machine does not answer, the attempt fails with the error of SSH',
  async (t) => {
    const [vmId = ''] = [...server.machines.keys()];
    const machine = server.machines.get(vmId);
    if (machine) machine.ip = '127.0.0.1:1';
    const { report } = await new RunUnderTest('create_vm', entries(), { node: { vmId } }).run({
      timeout_ms: 1_500,
    });
    t.match(report.result, { status: 'failed', reason: /waiting: SSH of machine .*connection refused/ });
    if (machine) machine.ip = address;
  },
);

t.test('a changed host key fails at once', async (t) => {
  const [vmId = ''] = [...server.machines.keys()];
  const hostKey = `ssh-ed25519 ${Buffer.from('other').toString('base64')}`;
  const { report } = await new RunUnderTest('create_vm', entries(), { node: { vmId, hostKey } }).run();
  t.match(report.result, { status: 'failed', reason: /host key of .* changed/ });
});

t.test('the stop of an attempt that another executor began says that a machine may exist', async (t) => {
  const { result } = await new RunUnderTest('create_vm', entries()).runner.stop(
    { do: 'stop', step: 0, attempt: 1 },
    new AbortController().signal,
  );
  t.match(result, { status: 'stopped', unknown_machine: true });
});

t.test('the stop of an attempt that no executor began leaves nothing to look for', async (t) => {
  const { result } = await new RunUnderTest('create_vm', entries()).runner.stop(
    { do: 'stop', step: 0, attempt: 2 },
    new AbortController().signal,
    false,
  );
  t.match(result, { status: 'stopped', reason: '', unknown_machine: undefined });
});

t.test(
  'machines can be returned twice; for a node without a machine, the reason names the way out',
  async (t) => {
    const [vmId = ''] = [...server.machines.keys()];
    for (let times = 0; times < 2; times++) {
      const { report } = await new RunUnderTest('return_vm', entries(), {
        node: { vmId, ip: address },
      }).run();
      t.match(report.result, { status: 'succeeded', machine: undefined });
    }
    t.equal(server.machines.get(vmId)?.status, 5);
    const byHand = await new RunUnderTest('return_vm', entries()).run();
    t.match(byHand.report.result, { status: 'failed', reason: /entered by hand.*remove_nodes/ });
  },
);

t.test('limits hold, and the node log names a wait for them once', async (t) => {
  server.mostAtOnce = 0;
  const runs = Array.from({ length: 4 }, () => new RunUnderTest('create_vm', entries()));
  // One executor has one set of limits for all its runs.
  const shared = new RunUnderTest('create_vm', entries({ max_concurrent: 1, calls_per_second: 20 }));
  for (let n = 0; n < 4; n++) server.faults.push('slow');
  const tried = await Promise.all(runs.map((_, index) => shared.run({ attempt: index + 1 })));
  t.ok(tried.every(({ report }) => report.result.status === 'succeeded'));
  t.equal(server.mostAtOnce, 1);
  t.match(shared.log, /waiting: vm 1 \(rest\): 1 calls at once/);
});

t.test(
  'a wrong provider number, and a provider that is missing, fail the attempt with the reason',
  async (t) => {
    const none = await new RunUnderTest('create_vm', entries(), { id: 2 }).run();
    t.match(none.report.result, {
      status: 'failed',
      reason: /there is no VM provider 2: this executor has 1/,
    });
    const wrong = await new RunUnderTest('create_vm', entries(), { id: 'x' }).run();
    t.match(wrong.report.result, { status: 'failed', reason: /vm_type_id of step create_vm = "x"/ });
    t.match((await new RunUnderTest('create_vm', entries(), { id: '1' }).run()).report.result, {
      status: 'succeeded',
    });
  },
);
