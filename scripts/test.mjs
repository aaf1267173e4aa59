// Builds, lints and tests everything; `pnpm test [part of a file name …]` runs only the test files that match.
// Ends with the line `N passed, N failed`, and with status 1 when anything failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { PureTests } from './pure-tests.mjs';
import { runTestFiles } from './run-test-files.mjs';
import { ROOT, workspacePackages } from './workspace.mjs';

const bin = (name) => join('node_modules', '.bin', name);

/** Processes of tests at once: two for each core, because most of them wait for other processes and for timeouts. */
const JOBS = Number(process.env.RIGEL_TEST_JOBS || Math.max(3, 2 * availableParallelism()));

function step(title, command, args) {
  process.stdout.write(`== ${title}\n`);
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    process.stdout.write(`${title} failed\n0 passed, 1 failed\n`);
    process.exit(1);
  }
}

function testFiles(folder, found = []) {
  for (const name of readdirSync(folder)) {
    if (name === 'node_modules' || name.startsWith('.')) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) testFiles(path, found);
    else if (name.endsWith('.test.js') && path.includes('dist')) found.push(path);
  }
  return found;
}

/**
 * The files that take longest, the longest first: one of them that began last would run alone at the end. Where a file
 * is missing here nothing but a little time is lost.
 */
const LONGEST = [
  'simulation/simulation',
  'conformance/conformance',
  'console/matrix',
  'console/task',
  'console/faults',
  'console/hostile',
  'console/access-and-audit',
  'console/fleet',
  'console/live',
  'console/catalog',
  'e2e/held-nodes',
  'e2e/pool-operations',
  'local/dist/start',
  'e2e/rolling-upgrade',
  'e2e/nats-cluster',
  'one-system/fleet',
  'one-replicated-system/races',
  'e2e/dependency-down',
  'conformance/generated',
  'command-template/dist/literal-values',
  'e2e/restart',
  'e2e/live',
  'remote-attempt/dist/survivors',
  'remote-attempt/dist/filtered-output',
  'e2e/restore',
  'e2e/scale-executors',
  'e2e/chaos',
  'e2e/access',
  'e2e/faults',
  'e2e/unreachable',
  'manifests/manifests',
  'manifests/as-manifested',
  'gateway/dist/serve/patient-call',
  'fuzz/fuzz',
  'e2e/documents',
];

function byLength(one, other) {
  const place = (file) => {
    const found = LONGEST.findIndex((name) => file.endsWith(`${name}.test.js`));
    return found < 0 ? LONGEST.length : found;
  };
  return place(one) - place(other);
}

/**
 * How a test file names the system that it shares with others, which the first one starts and which stops after the
 * last one;
 * so they run in one process. See test/src/support/shared-rig.ts.
 */
const SHARED = /\bsharedRig\('([\w-]+)'\)/;

/** What a test file says that belongs to its process, or to all tests of its process. */
const OF_THE_PROCESS =
  /worker_threads|prom-client|process\.|globalThis|setFlagsFromString|testdir|^t\.(?:before|after|beforeEach|afterEach|plan|end|bail|jobs)\b/m;

const judge = new PureTests(
  new Map(workspacePackages().map(({ name, folder }) => [name, join(ROOT, folder)])),
);

/**
 * Whether a test file only calls functions: it starts no other process and touches nothing of its own. Such files
 * share a process
 * with those of their package, because the start of a process with tap and the libraries takes more than most of them.
 */
function onlyCallsFunctions(file, text) {
  if (OF_THE_PROCESS.test(text)) return false;
  const source = join(ROOT, file.replace(`${sep}dist${sep}`, `${sep}src${sep}`).replace(/\.js$/, '.ts'));
  return existsSync(source) && judge.impurity(source) === undefined;
}

/**
 * The name of the process that a test file runs in: that of the system that it shares, that of its package, or its
 * own.
 */
function processOf(file) {
  const text = readFileSync(file, 'utf8');
  const [, shared] = SHARED.exec(text) ?? [];
  if (shared !== undefined) return shared;
  if (!onlyCallsFunctions(file, text)) return file;
  const parts = file.split(sep);
  return `functions of ${parts.slice(0, parts.indexOf('dist')).join('/')}`;
}

/** Files that drive a browser, in which a press can come too early or too late beside other processes. */
const IN_A_BROWSER = join('test', 'dist', 'console');

/** So many of them have a second try; when more fail, the console is broken, not slow. */
const SECOND_TRIES = 3;

/**
 * Runs processes of test files, several at once, in their order, and prints a line for each, and all of what failed.
 * What failed in a browser is tried once more at the end, alone, and said so.
 */
async function runAll(processes) {
  const counts = { passed: 0, failed: 0 };
  const count = ({ passed, failed }) => {
    counts.passed += passed;
    counts.failed += failed;
  };
  const waiting = [...processes];
  const ran = [];
  const again = [];
  const run = async ([name, files], note = '') => {
    const result = await runTestFiles(files);
    const { failed, output, seconds, cpu } = result;
    if (failed > 0) process.stdout.write(`${output}\n`);
    const several = files.length > 1 ? ` (${files.length} files)` : '';
    const line = `${name}${several}${note}: ${seconds.toFixed(1)} s, processor ${cpu.toFixed(1)} s`;
    process.stdout.write(`${failed > 0 ? 'FAILED' : 'ok'}  ${line}\n`);
    ran.push({ line, seconds, cpu });
    return result;
  };
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await run(next);
      if (result.failed > 0 && next[0].startsWith(IN_A_BROWSER)) again.push({ process: next, result });
      else count(result);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  for (const { process: failed, result } of again)
    count(again.length > SECOND_TRIES ? result : await run(failed, ', second try, alone'));
  printSlowest(ran);
  return counts;
}

function printSlowest(ran) {
  const shown = 10;
  if (ran.length <= shown) return;
  const cpu = ran.reduce((sum, { cpu }) => sum + (cpu || 0), 0);
  process.stdout.write(
    `== the ${shown} slowest of ${ran.length} processes (${cpu.toFixed(0)} processor seconds in all)\n`,
  );
  const slowest = ran.sort((one, other) => other.seconds - one.seconds).slice(0, shown);
  for (const { line } of slowest) process.stdout.write(`${line}\n`);
}

step('build', bin('tsc'), ['-b']);
step('console', process.execPath, [join('packages', 'console', 'scripts', 'build.mjs')]);
step('lint', bin('biome'), ['check', '--error-on-warnings', '.']);

const wanted = process.argv.slice(2).filter((arg) => arg !== '--');
// After the longest those of the whole system: the rest takes little.
const files = ['test', 'deploy', 'services', 'packages']
  .flatMap((folder) => testFiles(folder))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort(byLength);
const processes = new Map();
for (const file of files) {
  const name = processOf(file);
  processes.set(name, [...(processes.get(name) ?? []), file]);
}
process.stdout.write(`== test: ${files.length} files in ${processes.size} processes\n`);
const { passed, failed } = files.length === 0 ? { passed: 0, failed: 1 } : await runAll(processes);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
