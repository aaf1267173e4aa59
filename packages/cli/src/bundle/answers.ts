import type { Archive } from './archive.js';

/*
 * The API of an archive: answers about its one task, as the console asks for them. It only reads. What an archive does not have is
 * refused in words.
 */

/** An answer: the data of a success, or why there is none. */
export type Answer = { data: unknown } | { code: number; msg: string };

interface Piece {
  nsid: number;
  ip: string;
  step: number;
  attempt: number;
  from: number;
  data: string;
}

interface RunRow {
  id: number;
  ip: string;
  state: number;
  batch_id: number;
  step: string;
  message: string;
}

interface EventRow {
  version: number;
  event: string;
  data: { nsid?: number; nsids?: number[] | null };
}

/** Bytes of an attempt's output that follow each other. */
interface Stretch {
  from: number;
  bytes: Buffer;
}

const PAGE = 100;

/** Answers a request. @param path without the prefix of the API, `/task/42/grid` */
export function answerFrom(archive: Archive, path: string, query: URLSearchParams): Answer {
  const { task } = archive.manifest;
  if (path === '/session') return { data: who(task) };
  const ofNode = /^\/task\/node\/(\d+)(\/.*)?$/.exec(path);
  if (ofNode) return aboutNode(archive, Number(ofNode[1]), ofNode[2] ?? '', query);
  const [, id, rest = ''] = /^\/task\/(\d+)(\/.*)?$/.exec(path) ?? [];
  if (Number(id) !== task)
    return { code: 404, msg: `this is an archive of task ${task}, and holds nothing else` };
  return aboutTask(archive, rest, query);
}

const who = (task: number) => ({
  ...{ name: `archive of task ${task}`, role: 'viewer', may_run: false, access: 'on', by: 'session' },
  ...{ session_id: null, expires_at: null, header: 'X-Rigel-Console' },
});

const found = (data: unknown): Answer =>
  data === undefined
    ? { code: 404, msg: 'the archive was made without this part: see manifest.json in it' }
    : { data };

const numberIn = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name);
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
};

function aboutTask(archive: Archive, rest: string, query: URLSearchParams): Answer {
  switch (rest) {
    case '':
      return found(archive.json('task'));
    case '/plan':
    case '/why':
    case '/failures':
    case '/frames':
    case '/timeline':
      return found(archive.json(rest.slice(1)));
    case '/log': {
      const after = numberIn(query, 'after') ?? 0;
      return found(archive.json<{ id: number }[]>('log')?.filter(({ id }) => id > after));
    }
    case '/grid': {
      const grid = archive.json<{ version: number; cursor: string; marks: unknown }>('grid');
      if (!grid || query.get('after') === null) return found(grid);
      const { version, cursor, marks } = grid;
      return { data: { version, cursor, marks, changes: [] } };
    }
    case '/at':
      return found(momentOf(archive, numberIn(query, 'version') ?? Number.MAX_SAFE_INTEGER));
    case '/history':
      return { data: historyOf(archive, query) };
    case '/batches':
      return { data: { rows: archive.lines('batches'), next: null } };
    case '/runs':
      return { data: runsOf(archive, query) };
    case '/output/groups': {
      const groups = archive.lines<{ step: number }>('groups');
      const step = numberIn(query, 'step') ?? groups.length;
      return found(groups.find((group) => group.step === step));
    }
    case '/output/search':
      return searchTask(archive, query);
    default:
      return { code: 404, msg: 'an archive of a task does not have this' };
  }
}

/** The last recorded moment up to a version. */
function momentOf(archive: Archive, version: number): unknown {
  const moments = archive.lines<{ version: number }>('moments');
  return moments.findLast((moment) => moment.version <= version) ?? moments[0];
}

function historyOf(archive: Archive, query: URLSearchParams) {
  const all = archive.lines<EventRow>('history');
  const names = query.get('event')?.split(',');
  const nsid = numberIn(query, 'nsid');
  const limit = Math.min(1_000, numberIn(query, 'limit') ?? PAGE);
  const cursor = numberIn(query, 'cursor');
  const before = numberIn(query, 'before');
  const after = Math.max(numberIn(query, 'after') ?? 0, before === undefined ? (cursor ?? 0) : 0);
  const end = before === undefined ? Number.POSITIVE_INFINITY : Math.min(before, cursor ?? before);
  const rows = all.filter(
    ({ version, event, data }) =>
      version > after &&
      version < end &&
      (!names || names.includes(event)) &&
      (nsid === undefined || data.nsid === nsid || data.nsids?.includes(nsid)),
  );
  const ordered = before === undefined ? rows : rows.reverse();
  const page = ordered.slice(0, limit);
  const next = ordered.length > limit ? String(page.at(-1)?.version) : null;
  return { rows: page, version: all.at(-1)?.version ?? 1, next };
}

function runsOf(archive: Archive, query: URLSearchParams) {
  const states = query.get('state')?.split(',');
  const steps = query.get('step')?.split(',');
  const [batch, nsid] = [numberIn(query, 'batch'), numberIn(query, 'nsid')];
  const [q = '', reason = ''] = [query.get('q') ?? '', query.get('reason') ?? ''];
  // Each ‹…› stands for any text, as in the reasons of groups.
  const parts = reason.split(/‹[^›]*›/);
  const from = numberIn(query, 'cursor') ?? 0;
  const limit = Math.min(1_000, numberIn(query, 'limit') ?? PAGE);
  const rows = archive.lines<RunRow>('runs').filter((run) => {
    let at = 0;
    const hasReason = parts.every((part) => {
      const place = run.message.indexOf(part, at);
      at = place + part.length;
      return place >= 0;
    });
    return (
      hasReason &&
      run.ip.includes(q) &&
      (!states || states.includes(String(run.state))) &&
      (!steps || steps.includes(run.step)) &&
      (batch === undefined || run.batch_id === batch) &&
      (nsid === undefined || run.id === nsid)
    );
  });
  return {
    rows: rows.slice(from, from + limit),
    next: rows.length > from + limit ? String(from + limit) : null,
  };
}

function aboutNode(archive: Archive, nsid: number, rest: string, query: URLSearchParams): Answer {
  const node = archive
    .lines<{ nsid: number; account: unknown; why: unknown }>('nodes')
    .find((one) => one.nsid === nsid);
  if (rest === '') return found(node?.account);
  if (rest === '/why') return found(node?.why);
  const [step, attempt] = [numberIn(query, 'step') ?? 1, numberIn(query, 'attempt') ?? 1];
  const output = outputOf(archive, nsid, step, attempt);
  if (rest === '/output') return { data: rangeOf(output, query) };
  if (rest === '/output/search') return { data: searchNode(output, query) };
  return { code: 404, msg: 'an archive of a task does not have this' };
}

/** What an attempt printed; a byte that two pieces have belongs to the first. */
function outputOf(archive: Archive, nsid: number, step: number, attempt: number): Stretch[] {
  const stretches: Stretch[] = [];
  let end = 0;
  for (const piece of archive.lines<Piece>('output')) {
    if (piece.nsid !== nsid || piece.step !== step || piece.attempt !== attempt) continue;
    const bytes = Buffer.from(piece.data, 'base64');
    if (piece.from + bytes.length <= end) continue;
    const own = bytes.subarray(Math.max(0, end - piece.from));
    const last = stretches.at(-1);
    if (last && last.from + last.bytes.length >= piece.from) last.bytes = Buffer.concat([last.bytes, own]);
    else stretches.push({ from: Math.max(piece.from, end), bytes: own });
    end = piece.from + bytes.length;
  }
  return stretches;
}

const NEWLINE = 10;
const linesIn = (bytes: Buffer): number =>
  bytes.reduce((count, byte) => count + (byte === NEWLINE ? 1 : 0), 0);

function rangeOf(output: readonly Stretch[], query: URLSearchParams) {
  const last = output.at(-1);
  const bytes = last ? last.from + last.bytes.length : 0;
  const stored = output.reduce((sum, one) => sum + one.bytes.length, 0);
  const length = Math.min(1_048_576, numberIn(query, 'length') ?? 65_536);
  const wanted = numberIn(query, 'from') ?? 0;
  const from = wanted < 0 ? Math.max(0, bytes + wanted) : Math.min(wanted, bytes);
  const isBase64 = query.get('encoding') === 'base64';
  let before = 0;
  let to = from;
  const parts = output.flatMap((stretch) => {
    const begin = Math.max(stretch.from, from);
    const end = Math.min(stretch.from + stretch.bytes.length, from + length);
    const skipped = stretch.bytes.subarray(0, Math.max(0, begin - stretch.from));
    const line = before + linesIn(skipped) + 1;
    before += linesIn(stretch.bytes);
    if (end <= begin) return [];
    to = end;
    const own = stretch.bytes.subarray(begin - stretch.from, end - stretch.from);
    const text = own.toString(isBase64 ? 'base64' : 'utf8');
    return [{ from: begin, to: end, line, stored_at: null, text }];
  });
  const lines = before + (last && last.bytes.at(-1) !== NEWLINE ? 1 : 0);
  return { bytes, stored, dropped: bytes - stored, lines, from, to, open: false, parts };
}

interface Line {
  at: number;
  line: number;
  text: string;
}

function* linesOf(output: readonly Stretch[]): Generator<Line> {
  let number = 1;
  for (const { from, bytes } of output) {
    let at = 0;
    while (at < bytes.length) {
      const next = bytes.indexOf(NEWLINE, at);
      const end = next < 0 ? bytes.length : next;
      yield { at: from + at, line: number, text: bytes.toString('utf8', at, end) };
      if (next >= 0) number++;
      at = end + 1;
    }
  }
}

/** Where a text has what is looked for; undefined: nowhere. An expression that cannot be read stands for itself. */
function finder(query: URLSearchParams): (text: string) => { column: number; length: number } | undefined {
  const q = query.get('q') ?? '';
  const flags = query.get('ignore_case') === 'true' ? 'iu' : 'u';
  const source = query.get('regex') === 'true' ? q : q.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  let expression: RegExp;
  try {
    expression = new RegExp(source, flags);
  } catch {
    return (text) => (text.includes(q) ? { column: text.indexOf(q), length: q.length } : undefined);
  }
  return (text) => {
    const match = expression.exec(text);
    return match ? { column: match.index, length: match[0].length } : undefined;
  };
}

const HITS = 1_000;

function searchNode(output: readonly Stretch[], query: URLSearchParams) {
  const find = finder(query);
  const hits = [...linesOf(output)].flatMap((line) => {
    const match = find(line.text);
    return match ? [{ ...line, ...match }] : [];
  });
  const last = output.at(-1);
  const size = Math.max(1, last ? last.from + last.bytes.length : 0);
  const map = Array.from({ length: 100 }, () => 0);
  for (const { at } of hits) {
    const part = Math.min(99, Math.floor((at / size) * 100));
    map[part] = (map[part] ?? 0) + 1;
  }
  return { hits: hits.slice(0, HITS), matches: hits.length, map, searched: size, next: null };
}

function searchTask(archive: Archive, query: URLSearchParams): Answer {
  const find = finder(query);
  const pieces = archive.lines<Piece>('output');
  const attempts = new Map(pieces.map((piece) => [`${piece.nsid}.${piece.step}.${piece.attempt}`, piece]));
  const groups = new Map<string, { line: string; matches: number; on: Map<number, object> }>();
  let searched = 0;
  for (const { nsid, ip, step, attempt } of attempts.values()) {
    const output = outputOf(archive, nsid, step, attempt);
    for (const { at, line, text } of linesOf(output)) {
      if (!find(text)) continue;
      const shown = text.slice(0, 500);
      const group = groups.get(shown) ?? { line: shown, matches: 0, on: new Map<number, object>() };
      groups.set(shown, group);
      group.matches++;
      if (!group.on.has(nsid)) group.on.set(nsid, { nsid, ip, step, attempt, at, line });
    }
    searched += output.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
  const nodes = new Set(pieces.map(({ nsid }) => nsid)).size;
  const rows = [...groups.values()].map(({ on, ...row }) => ({
    ...{ ...row, nodes: on.size },
    on: [...on.values()].slice(0, 20),
  }));
  return { data: { rows, searched_nodes: nodes, searched, nodes, next: null } };
}
