import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LocalMachines } from '@rigel/providers/local-machines';
import { connectToNode, runScript } from '@rigel/remote-attempt';
import { waitFor } from '@rigel/testing';
import t from 'tap';
import { parseNodeAddress } from '../ssh/node-address.js';
import { RunUnderTest, sshSettings } from '../testing/provider-runners.js';

/* Local machines, made and returned as steps of runs, by executors that are killed. */

const PROGRAM = fileURLToPath(new URL('../testing/create-vm-process.js', import.meta.url));
const MACHINES = 200;

const folder = await mkdtemp(join(tmpdir(), 'rigel-machines-'));
const machines = new LocalMachines(folder);
const entries = { vm: { 1: { adapter: 'local', folder } } };
const long = () => AbortSignal.timeout(120_000);
t.teardown(async () => {
  await machines.destroy(long());
  await rm(folder, { recursive: true, force: true });
});

async function onMachine(address: string, script: string): Promise<string> {
  const connection = await connectToNode(parseNodeAddress(address, 22), sshSettings.connection);
  try {
    return (await runScript(connection, script, long())).output.trim();
  } finally {
    connection.close();
  }
}

t.test('a machine runs commands, knows its address, and ends with all that runs on it', async (t) => {
  const { report, output } = await new RunUnderTest('create_vm', entries, { runId: 1 }).run();
  const { machine } = report.result;
  t.match(report, { result: { status: 'succeeded' }, hostKey: /^ssh-ed25519 / });
  t.match(output, /answers by SSH/);
  const address = machine?.ip ?? '';
  t.equal(
    await onMachine(address, 'echo "$RIGEL_MACHINE_IP $RIGEL_MACHINE"'),
    `${address.split(':')[0]} ${machine?.vm_id}`,
  );
  const pid = Number(await onMachine(address, 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'));
  t.ok(process.kill(pid, 0));
  const again = await new RunUnderTest('create_vm', entries, { runId: 1 }).run({ begun: true, attempt: 2 });
  t.same(again.report.result.machine, machine);
  const node = { vmId: machine?.vm_id ?? '', ip: address };
  for (let times = 0; times < 2; times++) {
    const back = await new RunUnderTest('return_vm', entries, { runId: 2, node }).run();
    t.equal(back.report.result.status, 'succeeded', back.report.result.reason);
  }
  await waitFor(async () => (await commandOf(pid)) === '', { what: 'the process on the machine to be gone' });
  t.same(await machines.list(), []);
  const late = await new RunUnderTest('create_vm', entries, { runId: 1 }).run();
  t.match(late.report.result, { status: 'failed', reason: /was returned/ });
  t.same(await machines.list(), []);
});

/** Empty when there is no such process any more. */
const commandOf = (pid: number): Promise<string> => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');

t.test('an executor killed after the answer and before its report: the machine is found again', async (t) => {
  const first = fork(PROGRAM, [folder, '10']);
  const made = await resultOf(first);
  await killed(first);
  const second = fork(PROGRAM, [folder, '10', 'begun']);
  const found = await resultOf(second);
  await killed(second);
  t.same(found.machine, made.machine);
  t.equal((await machines.list()).length, 1);
  t.equal(await onMachine(made.machine.ip, 'echo alive'), 'alive', 'machines outlive executors');
});

t.test('executors killed at any moment make one machine', async (t) => {
  for (const [index, moment] of [60, 150, 250, 350, 450, 600].entries()) {
    const runId = 20 + index;
    const child = fork(PROGRAM, [folder, String(runId)]);
    await sleep(moment);
    await killed(child);
    const { report } = await new RunUnderTest('create_vm', entries, { runId }).run({ begun: true });
    t.equal(report.result.status, 'succeeded', report.result.reason);
  }
  t.equal((await machines.list()).length, 7);
});

t.test('machines come back when their process was killed', async (t) => {
  const [machine] = await machines.list();
  const log = await readFile(join(folder, 'host.log'), 'utf8');
  const pid = Number(
    /runs as process (\d+)/.exec(log.split('\n').findLast((line) => line.includes('runs as')) ?? '')?.[1],
  );
  process.kill(pid, 'SIGKILL');
  const node = { vmId: machine?.vmId ?? '', ip: machine?.address ?? '' };
  const { report } = await new RunUnderTest('create_vm', entries, { runId: 10, node }).run();
  t.equal(report.result.status, 'succeeded', report.result.reason);
});

t.test(
  `${MACHINES} machines`,
  { skip: process.platform === 'linux' ? false : 'needs loopback addresses' },
  async (t) => {
    const runIds = Array.from({ length: MACHINES }, (_, index) => 1_000 + index);
    const made = new Map<number, string>();
    await inTurn(runIds, async (runId) => {
      const { report } = await new RunUnderTest('create_vm', entries, { runId }).run({ timeout_ms: 200_000 });
      if (report.result.status !== 'succeeded') t.fail(report.result.reason);
      made.set(runId, report.result.machine?.ip ?? '');
    });
    t.equal(new Set(made.values()).size, MACHINES);
    t.equal((await machines.list()).length, MACHINES + 7);
  },
);

/** Twenty at once. */
async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: 20 }, worker));
}

/** Kills a process and waits until it has exited. */
async function killed(child: ChildProcess): Promise<void> {
  // A process that a signal ended has no exit code.
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit', { signal: long() });
  child.kill('SIGKILL');
  await exited;
}

/** The first message of a process, which is the result of its attempt. */
async function resultOf(child: ChildProcess): Promise<{ machine: { ip: string } }> {
  const [result] = await once(child, 'message', { signal: long() });
  return result;
}

t.test('without an SSH key no machine is made', async (t) => {
  const ssh = { ...sshSettings, connection: { ...sshSettings.connection, privateKey: '' } };
  const before = (await machines.list()).length;
  const { report } = await new RunUnderTest('create_vm', entries, { runId: 5_000, ssh }).run();
  t.match(report.result, { status: 'failed', reason: /there is no SSH key.*RIGEL_SSH_KEY_FILE/ });
  t.equal((await machines.list()).length, before);
});
