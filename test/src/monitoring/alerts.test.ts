import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalledProgram } from '@rigel/local-servers';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { alertCases, type Scraped } from './alert-cases.js';

interface Rule {
  alert: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

const ROOT = new URL('../../../', import.meta.url);
const RULES_FILE = fileURLToPath(new URL('deploy/monitoring/alerts.yaml', ROOT));
const { groups } = parse(readFileSync(RULES_FILE, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** In place of the text that Prometheus puts before the path of a section. */
const DOCS = '{{ $externalLabels.rigel_docs }}';
const MINUTE = 20;

t.test('every alert has a section in the runbook, and every section an alert', async (t) => {
  const runbook = readFileSync(new URL('docs/runbook.md', ROOT), 'utf8');
  const sections = [...runbook.matchAll(/^## (Rigel\w+)$/gm)].map(([, name]) => name ?? '');
  t.ok(rules.length > 5);
  t.strictSame(sections.sort(), rules.map(({ alert }) => alert).sort());
  for (const { alert, labels, annotations } of rules) {
    t.ok(
      runbook.includes(`\n## ${alert}\n\n${annotations.summary} (${labels.severity}).\n`),
      `${alert}: the section begins with the alert's summary`,
    );
    t.equal(
      annotations.runbook_url,
      `${DOCS}docs/runbook.md#${alert.toLowerCase()}`,
      'it links to its own section',
    );
  }
});

/** Prometheus's own tool; Debian's package has it. */
const promtool = await ensureInstalledProgram('promtool', 'prometheus');
const skip = promtool === undefined ? 'promtool is not installed, and cannot be' : false;

function run(t: Test, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(promtool ?? '', args, { encoding: 'utf8', timeout: 60_000 });
  t.equal(status, 0, `promtool ${args[0]} ${args[1]}: ${stdout}${stderr}`);
}

t.test('the rules are well-formed', { skip }, async (t) =>
  run(t, 'check', 'rules', '--lint-fatal', RULES_FILE),
);

/** A group of promtool's tests: what is scraped, and what an alert then says, if it fires. */
function groupOf(
  alert: string,
  scraped: Scraped,
  { minute = MINUTE, docs = '' }: { minute?: number | undefined; docs?: string },
  fired?: { labels?: Record<string, string> | undefined; description: string },
): object {
  const rule = rules.find((candidate) => candidate.alert === alert);
  if (!rule) throw new Error(`there is no alert ${alert}`);
  const { summary, runbook_url } = rule.annotations;
  const expected = fired && {
    exp_labels: { ...rule.labels, ...fired.labels },
    exp_annotations: {
      summary,
      description: fired.description,
      runbook_url: runbook_url.replace(DOCS, docs),
    },
  };
  return {
    interval: '1m',
    input_series: Object.entries(scraped).map(([series, values]) => ({ series, values })),
    ...(docs === '' ? {} : { external_labels: { rigel_docs: docs } }),
    alert_rule_test: [{ eval_time: `${minute}m`, alertname: alert, exp_alerts: expected ? [expected] : [] }],
  };
}

t.test('each alert fires when it is to, says what it means, and is quiet otherwise', { skip }, async (t) => {
  const tests = alertCases.flatMap(({ alert, minute, fires, quiet, ...fired }, index) => [
    // That the link is made with the label is the same for all.
    groupOf(
      alert,
      fires,
      { minute, docs: index === 0 ? 'https://git.example.com/rigel/blob/main/' : '' },
      fired,
    ),
    ...quiet.map((scraped) => groupOf(alert, scraped, { minute })),
  ]);
  const quiet = new Set(alertCases.flatMap((each) => (each.quiet.length > 0 ? [each.alert] : [])));
  t.strictSame(
    [...quiet].sort(),
    rules.map(({ alert }) => alert).sort(),
    'all alerts have both kinds of cases',
  );
  const folder = mkdtempSync(join(tmpdir(), 'rigel-alerts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tests.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests }));
  run(t, 'test', 'rules', file);
});
