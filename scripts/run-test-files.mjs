import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Parser } from 'tap-parser';

/** Limit that tap itself keeps, and when the process is not waited for any more. */
const TIMEOUT_S = 900;
const KILL_AFTER_MS = (TIMEOUT_S + 30) * 1000;

/**
 * Where Node keeps what it has compiled, from 22.1 on (20 does not look). The services that a test starts
 * use the same folder.
 */
const COMPILE_CACHE_DIR = join(import.meta.dirname, '..', 'node_modules', '.cache', 'rigel', 'compiled');

const CPU_LINE = /^# processor seconds: ([\d.]+)$/m;

/** Counts assertions, those of subtests included, but not the lines that sum a subtest up. */
function countAssertions(parser, counts) {
  parser.on('assert', ({ ok, todo, skip }) => {
    if (ok || todo || skip) counts.passed++;
    else counts.failed++;
  });
  parser.on('child', (child) => {
    countAssertions(child, counts);
    child.on('complete', ({ ok }) => {
      if (ok) counts.passed--;
      else counts.failed--;
    });
  });
}

/**
 * Runs test files in one process, which is a plain one: tap's own runner loads hooks into it and, by NODE_OPTIONS,
 * into every
 * process that it starts, which costs each service of a system under test half a second of processor time at its start.
 * @returns counted assertions, at least one of them failed when anything else was wrong; all that was printed; seconds
 *   by the clock and of the processor.
 */
export async function runTestFiles(files) {
  const started = Date.now();
  const counts = { passed: 0, failed: 0 };
  const parser = new Parser();
  countAssertions(parser, counts);
  const complete = new Promise((resolve) => parser.once('complete', resolve));
  const program = join(import.meta.dirname, 'test-process.mjs');
  const child = spawn(process.execPath, ['--enable-source-maps', program, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE_DIR, ...process.env, TAP: '1', TAP_TIMEOUT: String(TIMEOUT_S) },
  });
  const kill = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  child.stdout.pipe(parser);
  const status = await new Promise((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  );
  clearTimeout(kill);
  const { ok } = await complete;
  const passed = Math.max(0, counts.passed);
  const failed = Math.max(status === 0 && ok ? 0 : 1, counts.failed);
  if (status !== 0) output += `the process of the test ended with ${status}\n`;
  const cpu = Number(CPU_LINE.exec(output)?.[1] ?? Number.NaN);
  return { passed, failed, output, seconds: (Date.now() - started) / 1000, cpu };
}
