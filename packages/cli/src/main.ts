#!/usr/bin/env node
import { releaseOf } from './release.js';

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === 'version' || argv[0] === '--version')) {
  // Scripts ask for it often: the commands are not loaded for it.
  process.stdout.write(`rigel ${releaseOf()}\n`);
} else {
  // No `await` here: the bundle is a CommonJS file.
  void import('./process.js').then(async ({ runProcess }) => {
    process.exitCode = await runProcess(argv);
  });
}
