import type { ResolvedStep } from '@rigel/contracts';
import t from 'tap';
import { planSteps } from './options.js';

const limits = { remoteMs: 600_000, providerMs: 450_000 };
const remote = (options: Partial<ResolvedStep> = {}): ResolvedStep => ({
  name: 'restart',
  kind: 'remote',
  param_values: {},
  retry: { retry_times: 0, ignore_error: false },
  actions: [{ name: 'restart', params: {}, module: 'shell', text: 'true' }],
  ...options,
});
const createVm: ResolvedStep = {
  ...remote(),
  name: 'create_vm',
  kind: 'vm',
  param_values: { vm_type_id: 1 },
  actions: [],
};

t.test('a step has the limits of its template, else those of the settings', async (t) => {
  const planned = planSteps([remote(), createVm, remote({ timeout: 7, stop_grace: 0 })], limits);
  t.strictSame(
    planned.map(({ timeout_ms, grace_ms }) => [timeout_ms, grace_ms]),
    [
      [600_000, undefined],
      [450_000, undefined],
      [7_000, 0],
    ],
  );
  t.notOk(planned[0] && 'grace_ms' in planned[0], 'what was not given is not in the plan');
  t.match(planSteps([{ ...createVm, timeout: 900 }], limits), [{ timeout_ms: 900_000 }]);
});

t.test('a wait for a restart that the time limit would cut short is refused', async (t) => {
  t.match(planSteps([remote({ reboot: true, ready_wait: 600 })], limits), [
    { reboot: true, ready_wait: 600, timeout_ms: 600_000 },
  ]);
  t.throws(() => planSteps([remote({ reboot: true, ready_wait: 601 })], limits), {
    code: 'invalid',
    message:
      /step restart: ready_wait of 601 s is longer than .* 600 s: give the step a timeout of at least 601/,
  });
  t.match(planSteps([remote({ reboot: true, ready_wait: 601, timeout: 700 })], limits), [
    { timeout_ms: 700_000 },
  ]);
});
