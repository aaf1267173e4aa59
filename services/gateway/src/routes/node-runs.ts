import {
  MAX_HITS,
  MAX_OUTPUT_RANGE,
  MAX_SEARCH_TEXT,
  nodeRuns,
  OutputHit,
  type SearchPlace,
  show,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { type Failures, failure, WrongParameter } from '../failures.js';
import { idOf, STORE_LOST } from './common.js';
import {
  OutputRangeRow,
  RunAccountRow,
  RunWhyRow,
  toOutputRangeRow,
  toRunAccountRow,
  toRunWhyRow,
} from './node-run-rows.js';

const FAILURES: Failures = {
  otherwise: failure(400, STORE_LOST, {}),
  invalid: failure(400, '', {}),
  not_found: failure(400, '', {}),
};

const nsid = idOf('node run (id in the detail of its task)');

const attempt = {
  nsid,
  step: Type.Integer({ minimum: 1, maximum: 1_000, description: 'Place of the step in the task, from 1.' }),
  attempt: Type.Integer({
    minimum: 1,
    maximum: 2_147_483_647,
    description: 'Number of the attempt at the step, from 1.',
  }),
};

const wanted = {
  q: Type.String({
    minLength: 1,
    maxLength: MAX_SEARCH_TEXT,
    description: `What lines must contain, at most ${MAX_SEARCH_TEXT} characters.`,
  }),
  regex: Type.Boolean({
    default: false,
    description:
      'Read q as a regular expression: ( ) | [ ] . ^ $ * + ? {n,m} \\d \\w \\s. References to groups, \\b and looking ahead are not ' +
      'possible, so that no expression takes longer than the output is long.',
  }),
  ignore_case: Type.Boolean({ default: true, description: 'Small and capital letters are the same.' }),
};

const exampleRun = {
  id: 21,
  task_id: 1,
  task_name: 'version 2',
  pool_name: 'shop-a',
  node_id: 7,
  ip: '10.0.0.7',
  vm_id: '',
  batch: 1,
  state: 2,
  phase: 'ended',
  step_num: 1,
  version: 9,
  created_at: '2026-01-05T08:00:00.000Z',
  updated_at: '2026-01-05T08:00:12.000Z',
  steps: [
    {
      name: 'start_service',
      state: 2,
      message: '',
      attempts: [
        {
          key: '0f1c…-r21-s0-a1',
          attempt: 1,
          state: 'succeeded',
          authorised_version: 4,
          ended_version: 6,
          exit_code: 0,
          reason: '',
          note: '',
          may_run: false,
          folder: null,
          output: { bytes: 8, stored: 8, dropped: 0 },
          versions: [4, 6],
          authorised_at: '2026-01-05T08:00:01.000Z',
          started_at: '2026-01-05T08:00:02.000Z',
          finished_at: '2026-01-05T08:00:12.000Z',
          retry_at: null,
          leases: [
            {
              lease: 1,
              executor: 'executor-1',
              how: 'begins',
              from_version: 4,
              until_version: 6,
              over: 'reported',
              from_at: '2026-01-05T08:00:01.000Z',
              until_at: '2026-01-05T08:00:12.000Z',
            },
          ],
        },
      ],
    },
  ],
};

const SearchAnswer = Type.Object({
  hits: Type.Array(OutputHit),
  matches: Type.Integer({ description: 'Lines that match, also those beyond limit.' }),
  map: Type.Array(Type.Integer(), { description: 'Matching lines in each hundredth of the output.' }),
  searched: Type.Integer({ description: 'Bytes that were looked through.' }),
  next: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Where to go on (from); null: all was looked through.',
  }),
});

const { run_id, ...group } = {
  run_id: Type.Integer(),
  ip: Type.String(),
  step: Type.Integer({ description: 'Place of the step, from 1.' }),
  attempt: Type.Integer(),
  at: Type.Integer({ description: 'Place of the line in the output, in bytes.' }),
  line: Type.Integer(),
};

const TaskSearchAnswer = Type.Object({
  rows: Type.Array(
    Type.Object({
      line: Type.String({ description: 'The line, shortened to 500 characters.' }),
      matches: Type.Integer({ description: 'How often it was printed.' }),
      nodes: Type.Integer({ description: 'On how many nodes.' }),
      on: Type.Array(Type.Object({ nsid: run_id, ...group }), { description: 'Up to 20 of them.' }),
    }),
  ),
  searched_nodes: Type.Integer({ description: 'Nodes whose output this answer looked through.' }),
  searched: Type.Integer({ description: 'Bytes of it.' }),
  nodes: Type.Integer({ description: 'Nodes of the task.' }),
  next: Type.Union([Type.String(), Type.Null()], {
    description:
      'Cursor for the rest; null: all was looked through. The counts of answers that follow each other add up.',
  }),
});

export const nodeRunEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.node',
    title: 'One node’s run of a task: steps, attempts, leases, output',
    notes:
      'Each attempt with its name on the node, the executors that held it and under which leases, how it ended, and the versions of ' +
      'the events that say so.',
    methods: ['GET'],
    paths: ['/task/node/:nsid'],
    access: 'read',
    params: Type.Object({ nsid }),
    failures: FAILURES,
    result: RunAccountRow,
    example: exampleRun,
    handler: async ({ nsid }, { call, times }) =>
      done(toRunAccountRow(await call(nodeRuns.account, { id: nsid }), times)),
  }),
  defineEndpoint({
    id: 'task.node_why',
    title: 'Why one node of a task waits or has failed',
    notes:
      '`task` are the reasons that lie in the task, `chain` those of the node. Codes as of a task’s reasons.',
    methods: ['GET'],
    paths: ['/task/node/:nsid/why'],
    access: 'read',
    params: Type.Object({ nsid }),
    failures: FAILURES,
    result: RunWhyRow,
    example: { run_id: 21, node_id: 7, ip: '10.0.0.7', state: 2, task_id: 1, text: '', task: [], chain: [] },
    handler: async ({ nsid }, { call, times }) =>
      done(toRunWhyRow(await call(nodeRuns.why, { id: nsid }), times)),
  }),
  defineEndpoint({
    id: 'task.node_output',
    title: 'A range of what an attempt printed on a node',
    notes:
      'Bytes from `from` on; where that is negative, the last ones. Parts follow each other; where the next one begins later than one ' +
      'ends, bytes were left out because of the limit of output.',
    methods: ['GET'],
    paths: ['/task/node/:nsid/output'],
    access: 'read',
    params: Type.Object({
      ...attempt,
      from: Type.Integer({
        minimum: -Number.MAX_SAFE_INTEGER,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 0,
        description: 'Place of the first byte; negative: so many bytes before the end.',
      }),
      length: Type.Integer({
        minimum: 1,
        maximum: MAX_OUTPUT_RANGE,
        default: 65_536,
        description: 'Bytes at most.',
      }),
      encoding: Type.Enum(['text', 'base64'], {
        default: 'text',
        description: 'How parts are written: as text, or as the bytes themselves.',
      }),
    }),
    failures: FAILURES,
    result: OutputRangeRow,
    example: {
      bytes: 8,
      stored: 8,
      dropped: 0,
      lines: 1,
      from: 0,
      to: 8,
      open: false,
      parts: [{ from: 0, to: 8, line: 1, stored_at: '2026-01-05T08:00:12.000Z', text: 'started\n' }],
    },
    handler: async ({ nsid, step, attempt, from, length, encoding }, { call, times }) => {
      const range = await call(nodeRuns.outputRange, { id: nsid, step, attempt, from, length });
      return done(toOutputRangeRow(range, encoding as string, times));
    },
  }),
  defineEndpoint({
    id: 'task.node_output_search',
    title: 'Lines of an attempt’s output that match',
    notes:
      'Looks through all that is stored, in time that grows with its length alone. After three seconds it answers how far it came.',
    methods: ['GET'],
    paths: ['/task/node/:nsid/output/search'],
    access: 'read',
    params: Type.Object({
      ...attempt,
      ...wanted,
      from: Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 0,
        description: 'Place to begin at: 0, or `next` of the answer before.',
      }),
      limit: Type.Integer({ minimum: 1, maximum: MAX_HITS, default: 100, description: 'Hits at most.' }),
    }),
    failures: FAILURES,
    result: SearchAnswer,
    example: {
      hits: [{ at: 0, line: 1, text: 'started', column: 0, length: 5 }],
      matches: 1,
      map: [1],
      searched: 8,
      next: null,
    },
    handler: async ({ nsid, ...search }, { call }) =>
      done(await call(nodeRuns.searchOutput, { id: nsid, ...search })),
  }),
  defineEndpoint({
    id: 'task.node_output_raw',
    title: 'What an attempt printed, as a file',
    notes: 'The stored bytes as they came. Where bytes were left out a line says how many.',
    methods: ['GET'],
    paths: ['/task/node/:nsid/output/raw'],
    access: 'read',
    params: Type.Object(attempt),
    failures: FAILURES,
    result: Type.Null(),
    example: null,
    file: 'application/octet-stream',
    handler: async ({ nsid, step, attempt }, { call }) => {
      const read = (from: number) =>
        call(nodeRuns.outputRange, { id: nsid, step, attempt, from, length: MAX_OUTPUT_RANGE });
      const first = await read(0);
      const name = `run-${nsid}-step-${step}-attempt-${attempt}.log`;
      return { data: null, file: { name, chunks: rawOutput(first, read) } };
    },
  }),
  defineEndpoint({
    id: 'task.output_search',
    title: 'Which nodes of a task printed lines that match, by line',
    notes:
      'Each answer looks through the output of as many nodes as it can in two seconds; `next` is the cursor for the others.',
    methods: ['GET'],
    paths: ['/task/:id/output/search'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      ...wanted,
      group: Type.Enum(['line'], { default: 'line', description: 'What rows are made of: equal lines.' }),
      limit: Type.Integer({
        minimum: 1,
        maximum: MAX_HITS,
        default: 100,
        description: 'Distinct lines after which an answer ends.',
      }),
      cursor: Type.Optional(Type.String({ description: 'From `next` of the answer before.' })),
    }),
    failures: FAILURES,
    result: TaskSearchAnswer,
    example: {
      rows: [
        {
          line: 'no space left on device',
          matches: 1,
          nodes: 1,
          on: [{ nsid: 21, ip: '10.0.0.7', step: 1, attempt: 1, at: 0, line: 1 }],
        },
      ],
      searched_nodes: 12,
      searched: 96,
      nodes: 12,
      next: null,
    },
    handler: async ({ id, q, regex, ignore_case, limit, cursor }, { call }) => {
      const after = cursor === undefined || cursor === '' ? {} : { after: placeOf(cursor) };
      const answer = await call(nodeRuns.searchTask, { id, q, regex, ignore_case, limit, ...after });
      const { groups, next, ...counts } = answer;
      const rows = groups.map(({ on, ...row }) => ({
        ...row,
        on: on.map(({ run_id, ...place }) => ({ nsid: run_id, ...place })),
      }));
      return done({ rows, ...counts, next: next && cursorOf(next) });
    },
  }),
];

const cursorOf = ({ run, step, attempt }: SearchPlace): string => `${run}.${step}.${attempt}`;

/** @throws WrongParameter */
function placeOf(cursor: string): SearchPlace {
  const numbers = /^(\d{1,15})\.(\d{1,9})\.(\d{1,9})$/.exec(cursor)?.slice(1).map(Number);
  const [run, step, attempt] = numbers ?? [];
  if (run === undefined || step === undefined || attempt === undefined)
    throw new WrongParameter(
      `cursor ${show(cursor)} is none: take next of the answer before, or leave it out`,
      'cursor',
    );
  return { run, step, attempt };
}

type Range = Awaited<ReturnType<Invocation['call']>> & {
  parts: { from: number; data: string }[];
  to: number;
  bytes: number;
};

/** The bytes of an output from the first range on, one range after the other. */
async function* rawOutput(first: Range, read: (from: number) => Promise<Range>): AsyncGenerator<Buffer> {
  let reached = 0;
  for (let range = first; range.parts.length > 0; range = await read(range.to)) {
    for (const { from, data } of range.parts) {
      if (from > reached) yield Buffer.from(`\n[${from - reached} bytes left out]\n`);
      const bytes = Buffer.from(data, 'base64');
      yield bytes;
      reached = from + bytes.length;
    }
    if (range.to >= range.bytes) return;
  }
}
