import t from 'tap';
import { shells } from '../testing/shells.js';
import { fuzz } from './fuzz.js';
import { KINDS } from './kinds.js';

/*
 * A minute of the fuzzer; `pnpm fuzz-templates` runs as much as it is asked for. The seed is fixed, so that a failure
 * is of the change that was made.
 */

const BATCH = 12;
/** One batch of every kind, each template with every value. */
const COMMANDS = (Object.keys(KINDS).length - 1) * BATCH * 23 + 1;

t.test('no value runs in any shell, wherever it stands in a template that is accepted', async (t) => {
  const report = await fuzz({ commands: COMMANDS, seed: 14, shells, jobs: 2, batch: BATCH });
  t.same(report.failures, []);
  t.same(Object.keys(report.kinds), Object.keys(KINDS), 'every kind is tried');
  for (const [kind, { accepted, refused }] of Object.entries(report.kinds))
    t.ok(accepted > 0 && refused > 0, `${kind}: ${accepted} accepted, ${refused} refused`);
  t.comment(JSON.stringify(report.runs));
});

t.test('without the rules values run, so the fuzzer would see them', async (t) => {
  const kinds = ['redirections, assignments and prefixes before the command', 'aliases'];
  const found = await fuzz({
    commands: 500,
    seed: 14,
    shells,
    jobs: 2,
    batch: 15,
    kinds,
    withoutRules: true,
  });
  t.ok(found.failures.length > 0, `${found.failures.length} were found`);
});
