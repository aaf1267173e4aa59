import { parseArgs } from 'node:util';
import { shells } from '../testing/shells.js';
import { type FuzzReport, fuzz } from './fuzz.js';
import { KINDS } from './kinds.js';

const USAGE = `usage: pnpm fuzz-templates [--commands <n>] [--seed <n>] [--jobs <n>] [--kind <name>]… [--without-rules] [--json]
Makes templates, and runs each that is accepted with every hostile value in every shell that is installed.
kinds: ${Object.keys(KINDS).join('\n       ')}`;

/** A whole number of an option. @throws when it is none. */
function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: a whole number from ${least} on is needed`);
}

function table(report: FuzzReport): string {
  const rows = Object.entries(report.kinds).map(([kind, f]) => [
    kind,
    f.generated,
    f.refused,
    f.integersOnly,
    f.accepted,
    f.commands,
  ]);
  const sum = (index: number) => rows.reduce((total, row) => total + Number(row[index]), 0);
  rows.push(['all', sum(1), sum(2), sum(3), sum(4), sum(5)]);
  const head = ['kind', 'generated', 'refused', 'integers only', 'accepted', 'commands'];
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join(
    '\n',
  );
}

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    jobs: { type: 'string', default: '2' },
    kind: { type: 'string', multiple: true },
    'without-rules': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const giveUp = new AbortController();
// What has been seen until then is reported.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => giveUp.abort());
const startedAt = Date.now();
let told = startedAt;
let shown = 0;
const report = await fuzz({
  commands: count('commands', values.commands, 1),
  seed: count('seed', values.seed, 0),
  jobs: count('jobs', values.jobs, 1),
  ...(values.kind ? { kinds: values.kind } : {}),
  shells,
  withoutRules: values['without-rules'],
  signal: giveUp.signal,
  onProgress: ({ kinds, failures, unfinished }) => {
    for (; shown < failures.length; shown++) console.error(`A VALUE RAN: ${JSON.stringify(failures[shown])}`);
    if (Date.now() - told < 10_000) return;
    told = Date.now();
    const commands = Object.values(kinds).reduce((sum, one) => sum + one.commands, 0);
    console.error(
      `${commands} commands in ${Math.round((told - startedAt) / 1000)} s, ${failures.length} failures, ${unfinished.length} unfinished`,
    );
  },
});
if (values.json) {
  console.log(JSON.stringify(report, undefined, 2));
} else {
  console.log(`seed ${report.seed}, ${Math.round((Date.now() - startedAt) / 1000)} s\n\n${table(report)}\n`);
  for (const [shell, runs] of Object.entries(report.runs)) console.log(`${shell}: ${runs} commands run`);
  for (const { kind, shell, template } of report.unfinished)
    console.log(`not ended in ${shell} (${kind}): ${JSON.stringify(template)}`);
  for (const { kind, shell, template } of report.failures)
    console.log(`A VALUE RAN in ${shell} (${kind}): ${JSON.stringify(template)}`);
}
process.exit(report.failures.length > 0 ? 1 : 0);
