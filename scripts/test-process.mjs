// node scripts/test-process.mjs <test file …>: the process in which scripts/test.mjs runs test files, one after the
// other.
// The last line that it prints says how much processor time they took, with all processes that they started.
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Clock ticks in a second, in which Linux tells the times of a process. */
const TICKS = 100;
/**
 * Places in /proc/self/stat behind the name of the program: processor time of the children that have ended, user and
 * system.
 */
const CHILDREN = [13, 14];

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`# processor seconds: ${((user + system) / 1e6 + secondsOfChildren()).toFixed(2)}\n`);
});

/** Node does not tell it, and elsewhere than on Linux it is not counted. */
function secondsOfChildren() {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return CHILDREN.reduce((sum, place) => sum + Number(fields[place]) / TICKS, 0);
  } catch {
    return 0;
  }
}

const files = process.argv.slice(2);
// tap names its folders after the program.
process.argv = [process.argv[0], resolve(files[0])];
if (files.length === 1) await import(pathToFileURL(resolve(files[0])));
else await runInTurn(files);

async function runInTurn(files) {
  const { t } = await import('tap');
  // tap ends the tests when none is left to run, which can be so while the next file is being loaded.
  const { end } = t;
  t.end = () => t;
  for (const file of files) {
    const before = t.count;
    await import(pathToFileURL(resolve(file)));
    // What the file has begun is done when something that is begun after it is.
    await t.test(`end of ${relative('.', file)}`, async () => undefined);
    if (t.count === before + 1) t.fail(`${file} has no test`);
  }
  t.end = end;
  t.end();
}
