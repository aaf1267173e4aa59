import { RunUnderTest } from './provider-runners.js';

/*
 * An executor's runner in its own process, which a test kills. It does create_vm for the given run and sends the result
 * when the attempt has ended, which is after the provider's answer and before any report.
 */
const [folder = '', runId = '1', begun = ''] = process.argv.slice(2);
const run = new RunUnderTest(
  'create_vm',
  { vm: { 1: { adapter: 'local', folder } } },
  { runId: Number(runId) },
);
const { report } = await run.run({ begun: begun !== '' });
process.send?.(report.result);
// Stands still, as if the report were on its way.
setInterval(() => undefined, 1_000);
