import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { REPOSITORY_DIR } from '@rigel/local';
import t from 'tap';

/*
 * `pnpm check`: which tests it takes for pure, and what it says to a wrong name. That it builds, lints and runs tests
 * is not tried here: the whole test run does the same.
 */

const script = (name: string): string => join(REPOSITORY_DIR, 'scripts', name);

interface Purity {
  impurity(file: string): string[] | undefined;
}

/** What the script says of the test files of a folder: their paths, by whether they are pure. */
async function judged(folder: string): Promise<{ pure: string[]; others: string[] }> {
  const { workspacePackages } = await import(pathToFileURL(script('workspace.mjs')).href);
  const { PureTests } = await import(pathToFileURL(script('pure-tests.mjs')).href);
  const packages = workspacePackages() as { name: string; folder: string }[];
  const judge: Purity = new PureTests(
    new Map(packages.map(({ name, folder }) => [name, join(REPOSITORY_DIR, folder)])),
  );
  const pure: string[] = [];
  const others: string[] = [];
  for (const name of readdirSync(join(REPOSITORY_DIR, folder), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.test.ts')) continue;
    const file = join(REPOSITORY_DIR, folder, name);
    (judge.impurity(file) === undefined ? pure : others).push(file);
  }
  return { pure, others };
}

t.test('a test is pure when nothing that it imports starts a process', async (t) => {
  const { pure, others } = await judged('services/scheduler/src');
  const named = (files: string[], name: string) => files.some((file) => file.endsWith(name));
  t.ok(named(pure, 'task/decide.test.ts'));
  t.ok(named(pure, 'engine/forgeries.test.ts'), 'of @rigel/testing it takes silentLogger only');
  t.ok(named(others, '/scheduler.test.ts'), 'it starts servers');
  t.ok(named(others, 'engine/ownership.test.ts'), 'it starts a process');
  for (const file of pure)
    t.notMatch(readFileSync(file, 'utf8'), /\b(startTestServers|startSshd|spawn|fork)\(/, file);
});

t.test('a wrong name is answered with the names', async (t) => {
  for (const [args, wrong] of [
    [['sheduler'], 'there is no package sheduler'],
    [[], 'name a package'],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [script('check.mjs'), ...args], {
      encoding: 'utf8',
    });
    t.equal(status, 2);
    t.match(stderr, new RegExp(`^pnpm check <package> …: ${wrong}; there are access, .*scheduler.*\\n$`));
  }
});
