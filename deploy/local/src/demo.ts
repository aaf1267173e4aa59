import { ConfigError } from './config.js';
import { runDemo } from './demo/run-demo.js';
import { watchLaunchers } from './launcher-watch.js';

// `pnpm demo` stays up until Ctrl-C. With --exit it ends, with status 0 if it saw every result over HTTP.
const stopRequest = new AbortController();
const stop = (): void => {
  if (stopRequest.signal.aborted) return;
  process.stdout.write('\nstopping …\n');
  stopRequest.abort(new Error('stopped'));
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
// If the command that started us were killed, the machines would run for ever.
process.stdout.on('error', () => undefined);
await watchLaunchers(stop);
const unknown = process.argv.slice(2).filter((arg) => arg !== '--exit' && arg !== '--');
if (unknown.length > 0) {
  process.stderr.write(`rigel demo: ${unknown.join(' ')} is not an option; the only option is --exit\n`);
  process.exit(1);
}
const exit = process.argv.includes('--exit');
try {
  const healthy = await runDemo({ env: process.env, out: process.stdout, signal: stopRequest.signal, exit });
  process.exit(healthy ? 0 : 1);
} catch (error) {
  if (stopRequest.signal.aborted) process.exit(130);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`rigel demo: ${message}\n`);
  if (!(error instanceof ConfigError) && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`);
  process.exit(1);
}
