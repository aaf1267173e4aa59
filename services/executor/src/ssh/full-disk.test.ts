import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemClock } from '@rigel/clock';
import type { TaskPlan } from '@rigel/contracts';
import { startSshd } from '@rigel/remote-attempt/testing';
import { NamedSecrets } from '@rigel/secrets';
import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { StepSecrets } from '../secrets/step-secrets.js';
import { sshAccess } from './node-access.js';
import { SshRunner } from './ssh-runner.js';

const run = promisify(execFile);

t.test(
  'a command whose output found no room: its outcome stays, and says so',
  { skip: process.getuid?.() !== 0 && 'needs root, for a small disk' },
  async (t) => {
    const sshd = await startSshd();
    t.teardown(() => sshd.stop());
    const { home } = sshd;
    const owner = await run('stat', ['-c', 'uid=%u,gid=%g', home]);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=8m,${owner.stdout.trim()}`, 'rigel-test', home]);
    } catch (error) {
      t.pass('a small disk', { skip: `a tmpfs cannot be mounted here: ${error}` });
      return;
    }
    t.teardown(() => run('umount', ['-l', home]));
    const end = async (uuid: string, text: string) => {
      const plan: TaskPlan = {
        task_id: 1,
        uuid,
        correlation_id: 'test',
        steps: [
          {
            name: 'step',
            kind: 'remote',
            param_values: {},
            retry: { retry_times: 0, ignore_error: false },
            actions: [{ name: 'action', params: {}, module: 'shell', text }],
            capability: 'ssh',
            timeout_ms: 30_000,
          },
        ],
      };
      const runner = new SshRunner(
        { runId: 1, plan, node: { ip: '127.0.0.1', vmId: '', hostKey: null } },
        {
          connection: {
            user: sshd.user,
            privateKey: sshd.privateKey,
            hostKeyPolicy: 'accept-new',
            connectTimeoutMs: 20_000,
            keepaliveIntervalMs: 10_000,
            keepaliveCountMax: 3,
          },
          defaultPort: sshd.port,
          outputLimitBytes: 1_048_576,
        },
        sshAccess,
        systemClock,
        new StepSecrets(new NamedSecrets('', {})),
        silentLogger,
      );
      const instruction = {
        do: 'run' as const,
        step: 0,
        attempt: 1,
        delay_ms: 0,
        timeout_ms: 30_000,
        begun: false,
        output_from: 0,
      };
      const never = new AbortController().signal;
      const { result } = await runner.run(instruction, () => undefined, { abandon: never, stop: never });
      runner.close(false);
      await run('find', [home, '-name', '*.output', '-delete']);
      return result;
    };
    const note = /^the disk of the node was full when the command ended, .*: output may be missing$/;
    t.match(await end('good', 'seq 1 1500000; exit 0'), {
      status: 'succeeded',
      reason: '',
      exit_code: 0,
      note,
    });
    t.match(await end('bad', 'seq 1 1500000; exit 3'), {
      status: 'failed',
      reason: /^exit status 3; the disk of the node was full .*: output may be missing$/,
      exit_code: 3,
    });
    t.same((await end('room', 'seq 1 1000')).note, undefined);
  },
);
