import { run } from './run.js';

// The reader of the output may stop reading (`| head`).
process.stdout.on('error', () => process.exit(2));
process.exitCode = await run(process.argv.slice(2), process.env, {
  out: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
});
