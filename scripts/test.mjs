// Builds, lints and tests everything; `pnpm test [part of a file name …]` runs only the test files that match.
// Ends with the line `N passed, N failed`, and with status 1 when anything failed.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = (name) => join('node_modules', '.bin', name);

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

/** Runs tap and prints a line for each file, and all of what failed; resolves with the counted assertions. */
async function runTap(files) {
  const tap = spawn(bin('tap'), ['--reporter=tap', ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
  const counts = { passed: 0, failed: 0 };
  let block = [];
  for await (const line of createInterface({ input: tap.stdout })) {
    const result = /^(not )?ok \d+ - (.*)$/.exec(line);
    const summary = /^# \{ total: \d+.*\}$/.exec(line);
    if (result) {
      if (result[1]) process.stdout.write(`${block.join('\n')}\n`);
      process.stdout.write(`${result[1] ? 'FAILED' : 'ok'}  ${result[2]}\n`);
      block = [];
    } else if (summary) {
      counts.passed = Number(/pass: (\d+)/.exec(line)?.[1] ?? 0);
      counts.failed = Number(/fail: (\d+)/.exec(line)?.[1] ?? 0);
    } else {
      block.push(line);
    }
  }
  const status = await new Promise((resolve) =>
    tap.exitCode === null ? tap.once('exit', resolve) : resolve(tap.exitCode),
  );
  if (status !== 0 && counts.failed === 0) {
    process.stdout.write(`${block.join('\n')}\n`);
    counts.failed = 1;
  }
  return counts;
}

step('build', bin('tsc'), ['-b']);
step('lint', bin('biome'), ['check', '--error-on-warnings', '.']);
// tap links its plugins once after an installation.
step('prepare tap', bin('tap'), ['build']);

const wanted = process.argv.slice(2).filter((arg) => arg !== '--');
const files = ['packages', 'services', 'deploy', 'test']
  .flatMap((folder) => testFiles(folder))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
process.stdout.write(`== test: ${files.length} files\n`);
const { passed, failed } = files.length === 0 ? { passed: 0, failed: 1 } : await runTap(files);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
