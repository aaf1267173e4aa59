import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { describeExit } from '@rigel/local-servers';
import { lastErrorLine } from './last-error-line.js';
import type { CommandSpec, ProcessSpec } from './process-spec.js';
import type { ProcessStatus, Supervisor } from './supervisor.js';

const POLL_MS = 100;
const PROBE_TIMEOUT_MS = 5_000;
const MAX_ANSWER = 400;

type Readiness = NonNullable<CommandSpec['readiness']>;

/**
 * Waits until every process that has an address to ask answers there that it is ready.
 *
 * @throws Error with a line for each process that is not ready: its last error, and where its log is
 */
export async function waitUntilReady(
  supervisor: Supervisor,
  specs: ProcessSpec[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (const spec of specs) {
    if ('start' in spec || spec.readiness === undefined) continue;
    let answer = await probe(spec.readiness, signal);
    while (answer !== undefined) {
      if (Date.now() > deadline) throw await notReady(supervisor.processes, spec.name, answer, timeoutMs);
      await delay(POLL_MS, undefined, { signal });
      answer = await probe(spec.readiness, signal);
    }
  }
}

/** Undefined when ready, otherwise the answer or the error that came instead. */
async function probe({ url, caFile }: Readiness, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { status, body } = await get(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
      agent: false,
      ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
    });
    return status === 200 ? undefined : `${status} ${body}`;
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    return cause instanceof Error && cause.message !== '' ? cause.message : message;
  }
}

/** With the modules of Node, because its fetch takes no certificate authority. */
async function get(
  url: string,
  options: https.RequestOptions,
): Promise<{ status: number | undefined; body: string }> {
  const module = url.startsWith('https:') ? https : http;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    module.get(url, options, resolve).on('error', reject);
  });
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode, body };
}

async function notReady(
  processes: ProcessStatus[],
  asked: string,
  answer: string,
  timeoutMs: number,
): Promise<Error> {
  const culprits = processes.filter(({ pid, restarts }) => pid === undefined || restarts > 0);
  // All run and none ever ended: then it is the process that was asked, or one that its answer names.
  if (culprits.length === 0)
    culprits.push(...processes.filter(({ name }) => name === asked || mentions(answer, name)));
  const lines = await Promise.all(culprits.map(describe));
  const said = answer.replaceAll(/\s+/g, ' ').slice(0, MAX_ANSWER);
  return new Error(
    [`not ready within ${timeoutMs / 1000} s (${asked} says: ${said})`, ...lines.flat()].join('\n'),
  );
}

// Both executor-1 and what all executors are called together.
function mentions(answer: string, name: string): boolean {
  return answer.includes(name) || answer.includes(name.replace(/-\d+$/, ''));
}

async function describe(status: ProcessStatus): Promise<string[]> {
  const { name, pid, restarts, lastExit, lastError, logFile, logStart } = status;
  const ended = lastExit === undefined ? '' : `, last ended with ${describeExit(lastExit)}`;
  const failed = lastError === undefined ? '' : `, could not be started: ${lastError}`;
  const state = pid === undefined ? 'is not running' : restarts === 0 ? 'is not ready' : 'keeps ending';
  const times = restarts === 0 ? '' : `, started again ${restarts} times`;
  return [
    `  ${name} ${state}${times}${ended}${failed}; its log: ${logFile}`,
    `    last error there: ${(await lastErrorLine(logFile, logStart)) ?? 'none'}`,
  ];
}
