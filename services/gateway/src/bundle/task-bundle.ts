import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceError } from '@rigel/contracts';
import { builtFiles } from '../console/built-files.js';
import type { Endpoint, Invocation } from '../endpoint.js';
import type { ZipEntry } from './zip.js';

/*
 * Everything about a task in one archive: the answers of the API that the console's page of the task asks for, as they are now, and the
 * console itself. So nothing is in it that the API would not show the same client.
 */

/** The archive is made within this time; what is left then is left out, and the manifest says so. */
const DEADLINE_MS = 120_000;
/** Moments of the task's past, node runs with their attempts, and bytes of output (as Base64) that the archive has at most. */
const MOST_MOMENTS = 60;
const MOST_ACCOUNTS = 1_000;
const MOST_OUTPUT = 64 * 1_048_576;
const MOST_AUDIT = 10_000;
const PAGE = 1_000;

/** Answers an operation of the API as the client itself would get it. */
export type Ask = (id: string, input: object) => Promise<unknown>;

/** Asks endpoints in the name of a request. @throws ServiceError as the endpoint does. */
export function askerOf(endpoints: readonly Endpoint[], invocation: Invocation): Ask {
  return async (id, input) => {
    const endpoint = endpoints.find((one) => one.id === id);
    if (!endpoint) throw new Error(`there is no endpoint ${id}`);
    return (await endpoint.handle(input, { ...invocation, method: 'GET' })).data;
  };
}

interface Run {
  id: number;
  state: number;
}

/** What of a task is in its archive, and what had to be left out. */
class Contents {
  readonly leftOut: { part: string; why: string }[] = [];
  private readonly until = Date.now() + DEADLINE_MS;

  /** Whether there is time for more of a part. */
  goesOn(part: string): boolean {
    if (Date.now() < this.until) return true;
    this.without(part, `the ${DEADLINE_MS / 1_000} s for the archive were over`);
    return false;
  }

  without(part: string, why: string): void {
    if (!this.leftOut.some((one) => one.part === part)) this.leftOut.push({ part, why });
  }

  /** A part that the service cannot give is left out; the others are there all the same. */
  async try<T>(part: string, read: () => Promise<T>): Promise<T | undefined> {
    if (!this.goesOn(part)) return undefined;
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.without(part, error.message);
      return undefined;
    }
  }
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

/** The files of a task's archive. @param task the answer to `GET /task/:id` */
export async function* bundleOf(
  { id, task, withAudit, by }: { id: number; task: unknown; withAudit: boolean; by: string },
  ask: Ask,
): AsyncGenerator<ZipEntry> {
  const contents = new Contents();
  const json = async (name: string, endpoint: string, input: object): Promise<ZipEntry | undefined> => {
    const data = await contents.try(name, () => ask(endpoint, input));
    return data === undefined ? undefined : { name, parts: once(JSON.stringify(data)) };
  };
  yield { name: 'README.txt', parts: once(README) };
  yield { name: 'api/task.json', parts: once(JSON.stringify(task)) };
  const parts: [name: string, endpoint: string, input: object][] = [
    ['api/plan.json', 'task.plan', { id }],
    ['api/why.json', 'task.why', { id }],
    ['api/failures.json', 'task.failures', { id, limit: PAGE }],
    ['api/log.json', 'task.log', { id, after: 0 }],
    ['api/grid.json', 'task.grid', { id }],
    ['api/frames.json', 'task.frames', { id, count: MOST_MOMENTS }],
    ['api/timeline.json', 'task.timeline', { id, buckets: 600 }],
  ];
  for (const part of parts) {
    const entry = await json(...part);
    if (entry) yield entry;
  }
  const pages = async function* (name: string, endpoint: string, input: object) {
    let cursor: string | null | undefined;
    do {
      const page = await contents.try(name, () =>
        ask(endpoint, { ...input, limit: PAGE, ...(cursor ? { cursor } : {}) }),
      );
      if (page === undefined) return;
      const { rows, next } = page as { rows: unknown[]; next: string | null };
      yield rows;
      cursor = next;
    } while (cursor);
  };
  const lines = async function* (name: string, endpoint: string, input: object) {
    for await (const rows of pages(name, endpoint, input)) yield rows.map(line).join('');
  };
  yield { name: 'api/moments.jsonl', parts: moments(id, contents, ask) };
  yield { name: 'api/history.jsonl', parts: lines('api/history.jsonl', 'task.history', { id }) };
  yield { name: 'api/batches.jsonl', parts: lines('api/batches.jsonl', 'task.batches', { id }) };
  const runs: Run[] = [];
  yield {
    name: 'api/runs.jsonl',
    parts: (async function* () {
      for await (const rows of pages('api/runs.jsonl', 'task.runs', { id, sort: 'batch' })) {
        runs.push(...(rows as Run[]).map(({ id, state }) => ({ id, state })));
        yield rows.map(line).join('');
      }
    })(),
  };
  yield { name: 'api/nodes.jsonl', parts: accounts(runs, contents, ask) };
  yield { name: 'api/groups.jsonl', parts: groups(id, task, contents, ask) };
  yield { name: 'api/output.jsonl', parts: output(id, contents, ask) };
  if (withAudit) yield { name: 'audit.jsonl', parts: audit(id, contents, ask) };
  else contents.without('audit.jsonl', 'only the role admin may read the audit');
  yield* consoleFiles(contents);
  const manifest = {
    format: 'rigel-task-bundle',
    version: 1,
    task: id,
    made_at: new Date().toISOString(),
    by,
  };
  yield {
    name: 'manifest.json',
    parts: once(JSON.stringify({ ...manifest, left_out: contents.leftOut }, undefined, 2)),
  };
}

/** The task and its grid at some moments, those of the key frames. */
async function* moments(id: number, contents: Contents, ask: Ask): AsyncGenerator<string> {
  const name = 'api/moments.jsonl';
  const answer = await contents.try(name, () => ask('task.frames', { id, count: MOST_MOMENTS }));
  const { frames = [] } = (answer ?? {}) as { frames?: { version: number }[] };
  for (const { version } of frames) {
    const moment = await contents.try(name, () => ask('task.at', { id, version }));
    if (moment === undefined) return;
    yield line(moment);
  }
}

const FAILED = 3;

/** Node runs with their attempts, leases and reasons: those that failed first. */
async function* accounts(runs: readonly Run[], contents: Contents, ask: Ask): AsyncGenerator<string> {
  const name = 'api/nodes.jsonl';
  const wanted = [
    ...runs.filter(({ state }) => state === FAILED),
    ...runs.filter(({ state }) => state !== FAILED),
  ];
  if (wanted.length > MOST_ACCOUNTS)
    contents.without(name, `only ${MOST_ACCOUNTS} of ${wanted.length} node runs, those that failed first`);
  for (const { id: nsid } of wanted.slice(0, MOST_ACCOUNTS)) {
    const both = await contents.try(name, async () => ({
      account: await ask('task.node', { nsid }),
      why: await ask('task.node_why', { nsid }),
    }));
    if (both === undefined) return;
    yield line({ nsid, ...both });
  }
}

async function* groups(id: number, task: unknown, contents: Contents, ask: Ask): AsyncGenerator<string> {
  const { options } = task as { options: unknown[] };
  for (const index of options.keys()) {
    const answer = await contents.try('api/groups.jsonl', () =>
      ask('task.output_groups', { id, step: index + 1, limit: 200 }),
    );
    if (answer !== undefined) yield line(answer);
  }
}

async function* output(id: number, contents: Contents, ask: Ask): AsyncGenerator<string> {
  const name = 'api/output.jsonl';
  let cursor: string | null | undefined;
  let bytes = 0;
  do {
    const answer = await contents.try(name, () =>
      ask('task.output', { id, limit: PAGE, ...(cursor ? { cursor } : {}) }),
    );
    if (answer === undefined) return;
    const { rows, next } = answer as { rows: { data: string }[]; next: string | null };
    yield rows.map(line).join('');
    bytes += rows.reduce((sum, { data }) => sum + data.length, 0);
    cursor = next;
    if (cursor && bytes > MOST_OUTPUT) {
      contents.without(name, `only the first ${MOST_OUTPUT / 1_048_576} MiB of the output`);
      return;
    }
  } while (cursor);
}

/** What people did with the task. */
async function* audit(id: number, contents: Contents, ask: Ask): AsyncGenerator<string> {
  let before: number | undefined;
  for (let count = 0; count < MOST_AUDIT; ) {
    const rows = (await contents.try('audit.jsonl', () =>
      ask('audit.list', { target: `task-${id}`, ...(before === undefined ? {} : { before }) }),
    )) as { id: number }[] | undefined;
    if (!rows || rows.length === 0) return;
    yield rows.map(line).join('');
    count += rows.length;
    before = rows.at(-1)?.id;
  }
  contents.without('audit.jsonl', `only the newest ${MOST_AUDIT} lines`);
}

/** The console as it is built: what opens the archive shows its pages. */
async function* consoleFiles(contents: Contents): AsyncGenerator<ZipEntry> {
  const folder = builtFiles();
  try {
    for (const name of ['index.html', 'icon.svg'])
      yield { name: `console/${name}`, parts: bytesOf(join(folder, name)) };
    for (const name of await readdir(join(folder, 'assets'))) {
      if (/\.(map|br|gz)$/.test(name)) continue;
      yield { name: `console/assets/${name}`, parts: bytesOf(join(folder, 'assets', name)) };
    }
  } catch (error) {
    contents.without('console', (error as Error).message);
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  yield await readFile(path);
}

const README = `Everything about one task of Rigel, as the API answered it when this archive was made. Nobody needs a server to look at it:

  rigel bundle open <this file>     shows the pages of the console, without a server

manifest.json says which task it is and what was left out. api/*.json and api/*.jsonl (a value in each line) are answers of the API, and
docs/one-off-commands.md says what is in each. audit.jsonl is there if an administrator made the archive.
`;
