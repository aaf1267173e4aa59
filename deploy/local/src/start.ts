import { join } from 'node:path';
import { hideEnvironment } from '@rigel/runtime';
import { ConfigError, type LocalConfig, readLocalConfig, unknownVariables } from './config.js';
import { watchLaunchers } from './launcher-watch.js';
import { machinesOf } from './local-providers.js';
import { type Stack, startStack } from './stack.js';

// A terminal or a package manager may deliver one Ctrl-C twice.
const SAME_CTRL_C_MS = 500;

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`rigel: ${line}\n`);

process.exit(await main());

/** Runs the stack until it is asked to stop; the result is the exit status. */
async function main(): Promise<number> {
  // The terminal may go away first; the log still has what cannot be printed then.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);

  hideEnvironment();
  let config: LocalConfig;
  try {
    config = readLocalConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(error.message);
    return 1;
  }
  for (const line of unknownVariables(process.env)) complain(line);

  const stopRequest = new AbortController();
  const killRequest = new AbortController();
  const asked = new Promise<void>((resolve) => stopRequest.signal.addEventListener('abort', () => resolve()));
  let askedAt = 0;
  const ask = (reason: string) => {
    if (stopRequest.signal.aborted) return;
    askedAt = Date.now();
    print(`\n${reason}: stopping (a second signal kills everything at once)`);
    stopRequest.abort(new Error('stopped while starting'));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!stopRequest.signal.aborted) ask(signal);
      else if (Date.now() - askedAt > SAME_CTRL_C_MS) killRequest.abort();
    });
  }
  process.on('SIGHUP', () => ask('the terminal is gone'));
  await watchLaunchers((launcher) => ask(`${launcher} is gone`));

  print('Rigel is starting …');
  try {
    const stack = await startStack(config, {
      signal: stopRequest.signal,
      killSignal: killRequest.signal,
      onNotice: complain,
    }).catch((error: unknown) => {
      if (error === stopRequest.signal.reason) return undefined;
      throw error;
    });
    if (stack !== undefined) {
      if (!stopRequest.signal.aborted) print(summary(config, stack));
      const wrong = await Promise.race([asked, stack.misconfigured]);
      await stack.stop();
      if (wrong !== undefined) throw wrong;
      const machines = (await machinesOf(config.dataDir).list()).length;
      if (machines > 0)
        print(
          `${machines} local machines keep running (${machinesOf(config.dataDir).folder}); shrink their pool to return them.`,
        );
    }
  } catch (error) {
    complain((error as Error).message);
    return 1;
  }
  print('Rigel is stopped.');
  return 0;
}

function summary(config: LocalConfig, stack: Stack): string {
  return [
    '',
    'Rigel is running.',
    '',
    ...(config.serviceSettings.RIGEL_CONSOLE === 'off' ? [] : [`  console    ${stack.httpUrl}/console/`]),
    `  API        ${stack.httpUrl}`,
    `  API docs   ${stack.httpUrl}/docs`,
    ...(stack.balancerUrl === undefined
      ? []
      : [`  nginx      ${stack.balancerUrl} (load balancer of registered nodes)`]),
    `  data       ${config.dataDir}`,
    `  logs       ${join(config.dataDir, 'logs')} (a file per process)`,
    `  processes  ${stack.processes.map(({ name }) => name).join(', ')}`,
    '',
    ...(config.serviceSettings.RIGEL_ACCESS === 'on'
      ? ['Requests need a token: pnpm rigel token create --name me --role admin', '']
      : []),
    'Stop it with Ctrl-C.',
    '',
  ].join('\n');
}
