import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemClock } from '@rigel/clock';
import { startSshd } from '@rigel/remote-attempt/testing';
import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { NO_SECRETS, planOf, settingsFor, toRun } from '../testing/ssh-runs.js';
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
      const runner = new SshRunner(
        { runId: 1, plan: planOf(uuid, text), node: { ip: '127.0.0.1', vmId: '', hostKey: null } },
        settingsFor(sshd, { outputLimitBytes: 1_048_576 }),
        sshAccess,
        systemClock,
        NO_SECRETS,
        silentLogger,
      );
      const never = new AbortController().signal;
      const { result } = await runner.run(toRun(), () => undefined, { abandon: never, stop: never });
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
