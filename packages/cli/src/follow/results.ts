import { type OutputGroup, type RunLine, unwrap } from '@rigel/api-client';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';

/** Groups that are shown, and nodes that are named of each. */
const GROUPS = 20;
const NAMED = 5;
/** Bytes of the output of a node that a line of `-o jsonl` has. */
const MOST_OUTPUT = 262_144;
const PAGE = 1_000;

const ENDS: Record<number, string> = { 2: 'succeeded', 3: 'failed', 4: 'stopped' };

/** Prints what the nodes of a task printed at its last step: equal results together, or (`-o jsonl`) a line for each node. */
export async function printResults(invocation: Invocation, id: number): Promise<void> {
  const { api, print } = invocation;
  if (print.format === 'jsonl') {
    for await (const line of linesOf(invocation, id)) print.item(line, '');
    return;
  }
  const answer = await unwrap(
    api().GET('/task/{id}/output/groups', { params: { path: { id }, query: { limit: GROUPS } as never } }),
  );
  if (!print.isForPeople) return print.one('task', { id, ...answer }, []);
  for (const [at, group] of answer.rows.entries()) {
    if (at > 0) print.line('');
    for (const line of describe(group)) print.line(line);
  }
  if (answer.more_groups > 0)
    invocation.note(`and ${answer.more_groups} more results: rigel task results ${id} -o jsonl has all`);
}

/** `198 nodes succeeded: 10.0.0.1 …` and what they printed. */
export function describe({ count, state, message, output, cut, nodes }: OutputGroup): string[] {
  const names = nodes.slice(0, NAMED).map(({ ip }) => plain(ip));
  const more = count > names.length ? ' …' : '';
  const why = message === '' ? '' : ` (${plain(message)})`;
  const lines = output.replace(/\n$/, '').split('\n');
  return [
    `${count.toLocaleString('en')} ${count === 1 ? 'node' : 'nodes'} ${ENDS[state] ?? ''}${why}: ${names.join(' ')}${more}`,
    ...(output === '' ? [] : lines.map((line) => `  ${plain(line)}`)),
    ...(cut ? ['  …'] : []),
  ];
}

interface NodeLine {
  nsid: number;
  ip: string;
  state: string;
  message: string;
  attempts: number;
  bytes: number;
  output: string;
  cut: boolean;
}

/** The nodes of a task in their order, each with what its last attempt printed. Nothing but one node is in memory at a time. */
async function* linesOf({ api }: Invocation, id: number): AsyncGenerator<NodeLine> {
  const pieces = piecesOf(api, id);
  let piece = await pieces.next();
  for await (const run of runsOf(api, id)) {
    const parts: Buffer[] = [];
    let end = 0;
    let kept = 0;
    while (!piece.done && piece.value.nsid <= run.id) {
      const { nsid, step, attempt, from, data } = piece.value;
      if (nsid === run.id && step === run.step_num && attempt === run.attempts) {
        const bytes = Buffer.from(data, 'base64');
        const own = bytes.subarray(Math.min(bytes.length, Math.max(0, end - from)));
        end = Math.max(end, from + bytes.length);
        if (kept < MOST_OUTPUT) parts.push(own.subarray(0, MOST_OUTPUT - kept));
        kept += own.length;
      }
      piece = await pieces.next();
    }
    const output = Buffer.concat(parts);
    yield {
      ...{ nsid: run.id, ip: run.ip, state: ENDS[run.state] ?? (run.state === 1 ? 'running' : 'initial') },
      ...{ message: run.message, attempts: run.attempts, bytes: end },
      ...{ output: output.toString('utf8'), cut: end > output.length },
    };
  }
}

async function* runsOf(api: Invocation['api'], id: number): AsyncGenerator<RunLine> {
  let cursor: string | null | undefined;
  do {
    const query = { limit: PAGE, ...(cursor ? { cursor } : {}) };
    const part = await unwrap(
      api().GET('/task/{id}/runs', { params: { path: { id }, query: query as never } }),
    );
    yield* part.rows;
    cursor = part.next;
  } while (cursor !== null);
}

async function* piecesOf(api: Invocation['api'], id: number) {
  let cursor: string | null | undefined;
  do {
    const query = cursor ? { cursor } : {};
    const part = await unwrap(
      api().GET('/task/{id}/output', { params: { path: { id }, query: query as never } }),
    );
    yield* part.rows;
    cursor = part.next;
  } while (cursor !== null);
}
