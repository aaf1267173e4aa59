import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@rigel/clock';
import type { TaskPlan } from '@rigel/contracts';
import { startSshd } from '@rigel/remote-attempt/testing';
import { NamedSecrets } from '@rigel/secrets';
import { silentLogger } from '@rigel/testing';
import t from 'tap';
import { sshAccess } from '../ssh/node-access.js';
import { SshRunner } from '../ssh/ssh-runner.js';
import type { RunInstruction } from '../step-runner.js';
import { planOf, settingsFor, toRun } from '../testing/ssh-runs.js';
import { StepSecrets } from './step-secrets.js';

const VALUE = `it's a "planted" one`;
const sshd = await startSshd();
t.teardown(() => sshd.stop());
const env: NodeJS.ProcessEnv = { RIGEL_SECRET_HERE: VALUE };

/** A run of an executor that has the secret, or has none. */
function runner(plan: TaskPlan, secrets: NodeJS.ProcessEnv = env) {
  const output: Buffer[] = [];
  const ssh = new SshRunner(
    { runId: 1, plan, node: { ip: '127.0.0.1', vmId: '', hostKey: null } },
    settingsFor(sshd),
    sshAccess,
    systemClock,
    new StepSecrets(new NamedSecrets('', secrets)),
    silentLogger,
  );
  const abandon = new AbortController();
  t.teardown(() => ssh.close(false));
  return {
    abandon,
    text: () => Buffer.concat(output).toString(),
    run: async (more: Partial<RunInstruction> = {}) => {
      const signals = { abandon: abandon.signal, stop: new AbortController().signal };
      return (await ssh.run(toRun(more), (_, data) => output.push(Buffer.from(data)), signals)).result;
    },
  };
}

const p = { secret: 'here' };

t.test('a secret that is missing fails the attempt before the node is asked', async (t) => {
  const { run } = runner(planOf('missing', 'echo {{p}}', { param_values: { p } }), {});
  t.match(await run(), {
    status: 'failed',
    reason: 'secret here is missing: RIGEL_SECRETS_DIR is not set, and no variable RIGEL_SECRET_HERE',
  });
  t.throws(() => readdirSync(join(sshd.home, '.rigel')), 'nothing was there');
});

t.test('another executor goes on at any byte of the output and masks the same', async (t) => {
  const plan = planOf('goes-on', 'printf "before %s after %s" {{p}} {{p}}', { param_values: { p } });
  const first = runner(plan);
  t.match(await first.run(), { status: 'succeeded' });
  const stars = '*'.repeat(VALUE.length);
  const whole = `before ${stars} after ${stars}`;
  t.equal(first.text(), whole);
  for (const output_from of [0, 3, 10, 20, 27, 40, whole.length]) {
    const next = runner(plan);
    t.match(await next.run({ begun: true, output_from }), { status: 'succeeded' });
    t.equal(next.text(), whole.slice(output_from));
  }
});

t.test(
  'one that cannot read the secret any more collects the outcome, and shows nothing of the output',
  async (t) => {
    for (const [uuid, text, expected] of [
      ['hidden-good', 'printf "a %s\\nb\\n" {{p}}', { status: 'succeeded', exit_code: 0 }],
      [
        'hidden-bad',
        'printf "a %s\\nb\\n" {{p}}; exit 7',
        { status: 'failed', reason: /^secret here is missing: .*; exit status 7$/ },
      ],
    ] as const) {
      const plan = planOf(uuid, text, { param_values: { p } });
      await runner(plan).run();
      const other = runner(plan, {});
      t.match(await other.run({ begun: true }), expected);
      t.match(other.text(), /^\*+\n\*\n$/);
    }
    // The one before died before anything was begun.
    const never = runner(
      planOf('hidden-never', 'touch "$HOME/ran"; echo {{p}}', { param_values: { p } }),
      {},
    );
    t.match(await never.run({ begun: true }), {
      status: 'failed',
      reason: /^secret here is missing.*; exit status 1$/,
    });
    t.notOk(readdirSync(sshd.home).includes('ran'));
  },
);

t.test('without secrets a step is prepared as it is', async (t) => {
  const secrets = new StepSecrets({ read: () => Promise.reject(new Error('none is to be read')) });
  const [step] = planOf('plain', 'echo {{p}}', {
    param_values: { p: 'data', other: { secret: 'x', more: 1 } },
  }).steps;
  if (!step) throw new Error('the plan has no step');
  const prepared = await secrets.prepare(step);
  t.same(prepared.actions, [
    { kind: 'command', name: 'action', text: `rigel_param_1='data'; echo "\${rigel_param_1}"` },
  ]);
  t.equal(prepared.reason('the reason'), 'the reason');
  const data = Buffer.from('x');
  prepared.output(0, (_, out) => t.equal(out, data, 'the very same bytes')).push({ offset: 0, data });
});
