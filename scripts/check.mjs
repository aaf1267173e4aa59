// `pnpm check <package> …`: builds and lints packages, and runs their pure tests (pure-tests.mjs), in seconds. It
// starts no server. Ends with status 1 when anything failed, and with 2 when there is no such package.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PureTests } from './pure-tests.mjs';
import { runTestFiles } from './run-test-files.mjs';
import { ROOT, workspacePackages } from './workspace.mjs';

const JOBS = 2;
const started = Date.now();
const packages = workspacePackages();
const words = process.argv.slice(2).filter((word) => word !== '--');
const named = words.map((word) => packages.find(({ name, word: known }) => [name, known].includes(word)));
const unknown = words.filter((_, index) => named[index] === undefined);
if (words.length === 0 || unknown.length > 0) {
  const wrong = words.length === 0 ? 'name a package' : `there is no package ${unknown.join(', ')}`;
  process.stderr.write(
    `pnpm check <package> …: ${wrong}; there are ${packages.map(({ word }) => word).join(', ')}\n`,
  );
  process.exit(2);
}

function step(title, command, args) {
  const { status } = spawnSync(join(ROOT, 'node_modules', '.bin', command), args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status === 0) return;
  process.stdout.write(`${title} failed\n`);
  process.exit(1);
}

const folders = named.map(({ folder }) => folder);
step('build', 'tsc', ['-b', ...folders]);
step('lint', 'biome', ['check', '--error-on-warnings', ...folders]);

const tests = folders.flatMap((folder) =>
  readdirSync(join(ROOT, folder, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(ROOT, folder, 'src', name)),
);
const judge = new PureTests(new Map(packages.map(({ name, folder }) => [name, join(ROOT, folder)])));
const pure = tests.filter((file) => judge.impurity(file) === undefined);
let passed = 0;
let failed = 0;
const waiting = [...pure];
const work = async () => {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const compiled = file.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
    if (!existsSync(compiled)) throw new Error(`${compiled} is missing after the build`);
    const counts = await runTestFiles([compiled]);
    if (counts.failed > 0)
      process.stdout.write(
        `${counts.output}\nFAILED  ${relative(ROOT, compiled)} (${counts.seconds.toFixed(1)} s)\n`,
      );
    passed += counts.passed;
    failed += counts.failed;
  }
};
await Promise.all(Array.from({ length: JOBS }, work));
const seconds = ((Date.now() - started) / 1000).toFixed(1);
const left = tests.length - pure.length;
process.stdout.write(
  `${words.join(', ')}: built, linted, ${pure.length} test files in ${seconds} s${
    left === 0 ? '' : `; ${left} that start processes run with: pnpm test ${folders.join(' ')}`
  }\n${passed} passed, ${failed} failed\n`,
);
process.exit(failed === 0 ? 0 : 1);
