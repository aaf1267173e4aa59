import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';
import { parse } from 'yaml';

/*
 * What GitHub runs is what the repository has: its commands, its versions, its image.
 */

const read = (path: string): string => readFileSync(join(REPOSITORY_DIR, path), 'utf8');

interface Step {
  run?: string;
  uses?: string;
  with?: Record<string, unknown>;
}

interface Job {
  'timeout-minutes'?: number;
  container?: { image: string };
  strategy?: { matrix: Record<string, string[]> };
  permissions?: unknown;
  steps: Step[];
}

interface Workflow {
  name: string;
  permissions: unknown;
  concurrency: { group: string };
  jobs: Record<string, Job>;
}

const FOLDER = '.github/workflows';
const texts = new Map(
  readdirSync(join(REPOSITORY_DIR, FOLDER)).map((name) => [name, read(join(FOLDER, name))]),
);
const workflows = new Map([...texts].map(([name, text]) => [name, parse(text) as Workflow]));
const jobs = [...workflows].flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]) => ({ name: `${file}: ${name}`, job })),
);
const { scripts, engines } = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  engines: { node: string };
};

/** The commands of a job, with each value of its matrix. */
function commandsOf({ strategy, steps }: Job): string[] {
  const runs = steps.flatMap(({ run }) => (run === undefined ? [] : run.split('\n')));
  return Object.entries(strategy?.matrix ?? {}).reduce(
    (commands, [key, values]) =>
      commands.flatMap((command) =>
        command.includes(`matrix.${key} }}`)
          ? values.map((value) => command.replaceAll(`\${{ matrix.${key} }}`, value))
          : [command],
      ),
    runs,
  );
}

/** All sources beside the program that a script of package.json runs. */
function sourcesOf(script: string): string {
  const [program = ''] = /[\w/.-]+\.m?js\b/.exec(scripts[script] ?? '') ?? [];
  const folder = join(REPOSITORY_DIR, dirname(program).replace(/(^|\/)dist(\/|$)/, '$1src$2'));
  return readdirSync(folder)
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
}

t.test('every command of a workflow is one of the repository, with its options', async (t) => {
  let seen = 0;
  for (const { name, job } of jobs) {
    for (const command of commandsOf(job)) {
      const [, version, script = '', rest = ''] = /\bpnpm@(\d+) (?:pnpm )?([\w:-]+)(.*)$/.exec(command) ?? [];
      if (version === undefined) {
        t.match(command, /^(apt-get|git config|docker buildx) /, `${name}: ${command}`);
        continue;
      }
      seen++;
      t.match(read('README.md'), `pnpm@${version} test`, 'the pnpm that the README names');
      t.ok(script in scripts, `${name}: package.json has the script ${script}`);
      const sources = sourcesOf(script);
      for (const [, flag = ''] of rest.matchAll(/--([\w-]+)/g))
        t.match(sources, new RegExp(`['"{ -]${flag}\\b`), `${script} knows --${flag}`);
      if (script === 'test')
        for (const word of rest.trim().split(' ').filter(Boolean))
          t.ok(existsSync(join(REPOSITORY_DIR, 'test', 'src', word)), `there are tests of ${word}`);
    }
  }
  t.ok(seen >= 8, `${seen} commands`);
});

t.test('actions are named by the digest of a release, one for each', async (t) => {
  const digests = new Map<string, Set<string>>();
  for (const [file, text] of texts) {
    for (const [line, action = '', reference = ''] of text.matchAll(/uses: ([\w/-]+)(\S*.*)$/gm)) {
      t.match(reference, /^@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, `${file}: ${line}`);
      digests.set(action, (digests.get(action) ?? new Set()).add(reference));
    }
  }
  for (const [action, references] of digests) t.equal(references.size, 1, action);
});

t.test('a workflow may read only, ends, and keeps no credentials', async (t) => {
  for (const [file, { permissions, concurrency }] of workflows) {
    t.strictSame(permissions, { contents: 'read' }, file);
    t.ok(concurrency.group, file);
  }
  for (const { name, job } of jobs) {
    t.equal(job.permissions, undefined, name);
    t.ok((job['timeout-minutes'] ?? Number.POSITIVE_INFINITY) <= 150, name);
    for (const step of job.steps) {
      if (step.uses?.startsWith('actions/checkout@'))
        t.equal(step.with?.['persist-credentials'], false, name);
      // A title or an input with a quote in it would be a command there: they come through the environment.
      t.notMatch(step.run ?? '', /\$\{\{ *(github|inputs)\./, name);
    }
  }
});

t.test('versions are those that the project supports', async (t) => {
  const [, base] = /^FROM (\S+)/m.exec(read('deploy/Dockerfile')) ?? [];
  for (const { name, job } of jobs) if (job.container) t.equal(job.container.image, base, name);
  const matrix = workflows.get('ci.yml')?.jobs.test?.strategy?.matrix ?? {};
  const [, oldestNode] = />=(\S+)/.exec(engines.node) ?? [];
  t.strictSame(matrix.node, [oldestNode, read('.nvmrc').trim()]);
  const { optionalDependencies } = JSON.parse(read('packages/local-servers/package.json'));
  const newest = Object.values<string>(optionalDependencies)[0]?.split('.')[0];
  t.strictSame(matrix.postgres, ['15', newest]);
});
