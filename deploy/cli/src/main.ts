import { runProcess } from '@rigel/cli';
import { needsDatabase } from './via.js';

const { isForDatabase, args } = needsDatabase(process.argv.slice(2), process.env);
if (isForDatabase) {
  // Loaded when it is needed: the services' code takes as long as a whole command of the API.
  const { run } = await import('./run.js');
  // The reader of the output may stop reading (`| head`).
  process.stdout.on('error', () => process.exit(2));
  process.exitCode = await run(args, process.env, {
    out: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
  });
} else {
  process.exitCode = await runProcess(args);
  if (/^(help|--help|-h)?$/.test(args.join(' '))) {
    const { HELP } = await import('./command-line.js');
    process.stdout.write(`\nOn the database:\n\n${HELP}`);
  }
}
