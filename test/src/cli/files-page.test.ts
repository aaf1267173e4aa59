import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoApi, enterDemoPool, REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';
import { parse } from 'yaml';
import { startRig } from '../support/rig.js';
import { commandLine } from './command-line.js';

/* The demo's fleet as files, and what docs/fleet-as-files.md prints: its documents, and the shell of both pipelines. */

const rig = await startRig({ executors: 1, fastDatabase: true });
t.teardown(() => rig.stop());
const home = mkdtempSync(join(tmpdir(), 'rigel-files-page-'));
t.teardown(() => rmSync(home, { recursive: true }));
const env = { XDG_CONFIG_HOME: home, RIGEL_URL: rig.stack.httpUrl };
const rigel = commandLine(env);

const page = readFileSync(join(REPOSITORY_DIR, 'docs/fleet-as-files.md'), 'utf8');
const [documents = '', github = '', gitlab = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(
  ([, text = '']) => text,
);

t.test('the fleet of the demo is exported, and then there is nothing to do', async (t) => {
  await enterDemoPool(new DemoApi(rig.stack.httpUrl), { image: 'hello:1', balanced: true });
  const folder = join(home, 'demo');
  t.match(await rigel(['export', '-d', folder]), { status: 0, err: /^9 documents are in/ });
  t.match(await rigel(['lint', folder]), { status: 0, err: /^9 documents, no mistake/ });
  t.match(await rigel(['plan', '-f', folder, '--exit-code']), {
    status: 0,
    out: 'nothing to do: 9 documents as the system is\n',
  });
  t.match(
    readFileSync(join(folder, 'actions/start_service.yaml'), 'utf8'),
    'script_file: start_service.sh\n',
  );
});

t.test('the documents of the page are right', async (t) => {
  t.match(await rigel(['lint', '-', '--partial'], { input: documents }), { status: 0, err: /^7 documents/ });
  t.match(await rigel(['plan', '-f', '-'], { input: documents }), { status: 0, out: /6 to create/ });
});

/** Runs a script as a runner does, in a checkout with the folder `fleet`. */
function runIn(checkout: string, shell: string[], script: string, more: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const [program = 'sh', ...args] = shell;
    const around = { PATH: `${join(home, 'bin')}:${process.env.PATH}`, HOME: home, ...env, ...more };
    execFile(program, [...args, '-c', script], { cwd: checkout, env: around }, (error, out, err) =>
      error ? reject(new Error(`${error.message}\n${out}\n${err}`)) : resolve(out),
    );
  });
}

function checkoutOf(name: string, cluster: string): string {
  const checkout = join(home, name);
  mkdirSync(join(checkout, 'fleet'), { recursive: true });
  writeFileSync(
    join(checkout, 'fleet/a.yaml'),
    `rigel: v1\nkind: Cluster\nname: ${cluster}\ndesc: of a pipeline\n`,
  );
  return checkout;
}

t.test('both pipelines plan what is proposed, and apply what is merged', async (t) => {
  mkdirSync(join(home, 'bin'));
  const program = join(home, 'bin/rigel');
  const main = join(REPOSITORY_DIR, 'packages/cli/dist/main.js');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`);
  chmodSync(program, 0o755);
  const { jobs } = parse(github) as { jobs: Record<'plan' | 'apply', { steps: { run?: string }[] }> };
  const ofGithub = (job: 'plan' | 'apply') => jobs[job].steps.flatMap(({ run }) => run ?? []).join('\n');
  const lines = parse(gitlab) as Record<'plan' | 'apply', { script: string[] }>;
  const ofGitlab = (job: 'plan' | 'apply') => lines[job].script.join('\n');
  for (const [name, shell, script] of [
    ['github', ['bash', '-e'], ofGithub],
    ['gitlab', ['sh', '-e'], ofGitlab],
  ] as const) {
    const checkout = checkoutOf(name, `${name}-1`);
    const summary = { GITHUB_STEP_SUMMARY: join(checkout, 'summary') };
    await runIn(checkout, [...shell], script('apply'), summary);
    checkoutOf(name, `${name}-2`);
    await runIn(checkout, [...shell], script('plan'), summary);
    const plan = readFileSync(join(checkout, 'plan.md'), 'utf8');
    t.match(plan, /^### Rigel: 1 to create, 1 to delete/);
    t.match(plan, `Cluster ${name}-1 goes and ${name}-2 comes`);
    if (name === 'github') t.equal(readFileSync(summary.GITHUB_STEP_SUMMARY, 'utf8'), plan);
    await runIn(checkout, [...shell], script('apply'), summary);
    const { out } = await rigel(['export', 'clusters', '--set', 'prod']);
    t.match(out, `name: ${name}-2\n`);
    t.notMatch(out, `name: ${name}-1\n`);
    await t.rejects(
      runIn(checkout, [...shell], script('plan'), { ...summary, RIGEL_URL: 'http://127.0.0.1:1' }),
      /127.0.0.1:1 cannot be reached/,
    );
  }
});
