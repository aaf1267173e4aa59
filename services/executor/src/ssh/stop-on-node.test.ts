import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@rigel/clock';
import type { TaskPlan } from '@rigel/contracts';
import { readEntries } from '@rigel/providers/testing';
import { allowSudo, canAllowSudo, startSshd } from '@rigel/remote-attempt/testing';
import { silentLogger, waitFor } from '@rigel/testing';
import t from 'tap';
import { askForMachine, type MachineGone } from '../providers/machine-gone.js';
import type { ClaimedNode, RunInstruction, StopInstruction } from '../step-runner.js';
import { RunUnderTest, sshSettings, startCloud } from '../testing/provider-runners.js';
import { NO_SECRETS, planOf, settingsFor, toRun } from '../testing/ssh-runs.js';
import { type SshSettings, sshAccess } from './node-access.js';
import { SshRunner } from './ssh-runner.js';

/** The plan of a command that has little time to end by itself when it is stopped. */
const plan = (uuid: string, text: string, more: Partial<TaskPlan> = {}): TaskPlan =>
  planOf(uuid, text, { grace_ms: 300 }, more);

/** An executor that has claimed the run: each knows nothing of the others. */
function executor(plan: TaskPlan, settings: SshSettings, node: ClaimedNode, gone?: MachineGone) {
  const runner = new SshRunner(
    { runId: 1, plan, node },
    settings,
    sshAccess,
    systemClock,
    NO_SECRETS,
    silentLogger,
    gone,
  );
  t.teardown(() => runner.close(false));
  const never = new AbortController().signal;
  return {
    run: async (instruction: Partial<RunInstruction> = {}, stop: AbortSignal = never) => {
      return (await runner.run(toRun(instruction), () => undefined, { abandon: never, stop })).result;
    },
    stop: async (instruction: Partial<StopInstruction> = {}) =>
      (await runner.stop({ do: 'stop', step: 0, attempt: 1, again: true, ...instruction }, never)).result,
  };
}

if (!canAllowSudo) t.pass('only root can let an account use sudo', { skip: true });
else
  t.test('a root process that withstands being ended', async (t) => {
    const sshd = await startSshd();
    t.teardown(() => sshd.stop());
    t.teardown(await allowSudo(sshd.user));
    const settings = settingsFor(sshd);
    const script = 'trap "" TERM; echo $$ >> "$0"; while :; do sleep 1; done';
    const begin = (uuid: string) => {
      const file = join(sshd.home, uuid);
      const task = plan(uuid, `/usr/bin/sudo -n sh -c '${script}' ${file}`);
      const pids = () => {
        try {
          return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
        } catch {
          return [];
        }
      };
      const kill = () => {
        for (const pid of pids()) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It is gone.
          }
        }
      };
      t.teardown(kill);
      return {
        pids,
        kill,
        executor: () => executor(task, settings, { ip: '127.0.0.1', vmId: '', hostKey: null }),
      };
    };
    const alive = /could not be ended and may still run: .*\(root, \w+\)/;

    await t.test('at the end of its time, and for every executor after that', async (t) => {
      const { executor, pids, kill } = begin('out-of-time');
      const first = executor();
      const failed = { status: 'failed', may_run: true, no_retry: true };
      const told = await first.run({ timeout_ms: 1_500 });
      t.match(told, {
        ...failed,
        reason: /longer than 2 s; the command could not be ended and may still run/,
      });
      t.match(told.reason, alive);
      t.match(await first.run({ attempt: 2 }), {
        ...failed,
        reason: /^attempt 2 was not begun: the command of attempt 1 could not be ended/,
      });
      t.match(await executor().stop(), { status: 'stopped', may_run: true, reason: alive });
      t.match(await executor().stop({ attempt: 3 }), {
        status: 'stopped',
        may_run: true,
        reason: /the command of attempt 1 could not be ended/,
      });
      t.match(await executor().run({ begun: true }), { status: 'stopped', may_run: true, no_retry: true });
      t.equal(pids().length, 1, 'there was one of it, ever');
      kill();
      const ended = await executor().stop({ attempt: 3 });
      t.match(ended, { status: 'stopped', reason: '' });
      t.equal(ended.may_run, undefined);
    });

    await t.test('when its task is stopped', async (t) => {
      const { executor, pids, kill } = begin('stopped');
      const stop = new AbortController();
      const running = executor().run({}, stop.signal);
      await waitFor(() => pids().length === 1, { what: 'it runs' });
      stop.abort();
      t.match(await running, { status: 'stopped', may_run: true, no_retry: true, reason: alive });
      kill();
    });
  });

t.test('a node that cannot be reached says nothing of the attempt before', async (t) => {
  // Nobody listens there.
  const node: ClaimedNode = { ip: '127.0.0.1:1', vmId: '', hostKey: null };
  const tried = (instruction: Partial<RunInstruction>) =>
    executor(plan('away', 'true'), sshSettings, node).run(instruction);
  t.match(await tried({ attempt: 2, unsettled: true }), {
    status: 'failed',
    may_run: true,
    reason: /an earlier attempt could not be ended and may still run$/,
  });
  t.equal((await tried({ attempt: 2, unsettled: false })).may_run, undefined);
  t.equal((await tried({ attempt: 1 })).may_run, undefined);
  t.match(await executor(plan('away', 'true'), sshSettings, node).stop(), {
    status: 'stopped',
    may_run: true,
    reason: /could not be ended and may still run: .*127\.0\.0\.1/,
  });
});

t.test('the provider of a machine says whether there still is one', async (t) => {
  const cloud = await startCloud();
  t.teardown(() => cloud.stop());
  const entries = { vm: { 1: { adapter: 'rest', url: cloud.url } } };
  const { report } = await new RunUnderTest('create_vm', entries).run();
  const vmId = report.result.machine?.vm_id ?? '';
  const providers = readEntries(entries, { ssh: { connection: sshSettings.connection, defaultPort: 22 } });
  const ask = askForMachine(providers.vm, silentLogger);
  const node = { ip: '127.0.0.1:1', vmId, hostKey: null };
  const stopped = (more: Partial<TaskPlan>, of: ClaimedNode = node) =>
    executor(plan('gone', 'true', more), sshSettings, of, ask).stop();
  const held = { status: 'stopped', may_run: true };
  t.match(await stopped({ vm_type: 1 }), held, 'it is there');
  await new RunUnderTest('return_vm', entries, { node: { vmId } }).run();
  const ended = await stopped({ vm_type: 1 });
  t.match(ended, { status: 'stopped', reason: new RegExp(`machine ${vmId} is gone, as .+ says`) });
  t.equal(ended.may_run, undefined);
  t.match(await stopped({}), held, 'nobody knows which provider it is of');
  t.match(await stopped({ vm_type: 2 }), held, 'its provider is not here');
  t.match(await stopped({ vm_type: 1 }, { ...node, vmId: '' }), held, 'it was entered by hand');
  await cloud.server.stop();
  t.match(await stopped({ vm_type: 1 }), held, 'its provider does not answer');
});
