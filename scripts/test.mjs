// Builds, lints and tests everything; `pnpm test [part of a file name …]` runs only the test files that match.
// Ends with the line `N passed, N failed`, and with status 1 when anything failed.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { runTestFile } from './run-test-file.mjs';

const bin = (name) => join('node_modules', '.bin', name);

/** Test files at once. Most of them wait for other processes, not for the processor. */
const JOBS = Number(process.env.RIGEL_TEST_JOBS || 3);

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
  'e2e/held-nodes',
  'e2e/nats-cluster',
  'e2e/pool-operations',
  'conformance/generated',
  'e2e/restart',
  'e2e/dependency-down',
  'command-template/dist/literal-values',
  'conformance/conformance',
  'remote-attempt/dist/survivors',
  'e2e/scale-executors',
  'remote-attempt/dist/filtered-output',
  'e2e/faults',
  'e2e/live',
  'e2e/rolling-upgrade',
  'e2e/unreachable',
  'gateway/dist/serve/patient-call',
  'fuzz/fuzz',
  'e2e/documents',
  'e2e/restore',
  'e2e/chaos',
  'local/dist/start',
];

function byLength(one, other) {
  const place = (file) => {
    const found = LONGEST.findIndex((name) => file.endsWith(`${name}.test.js`));
    return found < 0 ? LONGEST.length : found;
  };
  return place(one) - place(other);
}

/** Runs files, several at once, in their order, and prints a line for each, and all of what failed. */
async function runAll(files) {
  const counts = { passed: 0, failed: 0 };
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { passed, failed, output, seconds } = await runTestFile(file);
      if (failed > 0) process.stdout.write(`${output}\n`);
      process.stdout.write(`${failed > 0 ? 'FAILED' : 'ok'}  ${file} (${seconds} s)\n`);
      counts.passed += passed;
      counts.failed += failed;
    }
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  return counts;
}

step('build', bin('tsc'), ['-b']);
step('lint', bin('biome'), ['check', '--error-on-warnings', '.']);

const wanted = process.argv.slice(2).filter((arg) => arg !== '--');
// After the longest those of the whole system: the rest takes little.
const files = ['test', 'deploy', 'services', 'packages']
  .flatMap((folder) => testFiles(folder))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort(byLength);
process.stdout.write(`== test: ${files.length} files\n`);
const { passed, failed } = files.length === 0 ? { passed: 0, failed: 1 } : await runAll(files);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
