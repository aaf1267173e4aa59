import { ROOT, run } from './command-line.js';

process.exitCode = await run(ROOT, process.argv.slice(2), {
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
