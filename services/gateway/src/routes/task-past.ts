import {
  GridMarks,
  live,
  MAX_BUCKETS,
  MAX_FRAMES,
  PastTask,
  show,
  type TaskEventName,
  TaskTimeline,
  TimelineMark,
  taskEventData,
  taskPast,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { type Failures, failure, WrongParameter } from '../failures.js';
import { withShownTimes } from '../live/task-feed.js';
import { idOf, STORE_LOST } from './common.js';
import { chosenIn } from './lists.js';
import { momentOf } from './moments.js';
import { GridColumnsRow } from './task-reads.js';

/*
 * A task's past: as it was at a moment, its course, its events.
 */

const FAILURES: Failures = {
  otherwise: failure(400, STORE_LOST, {}),
  invalid: failure(400, '', {}),
  not_found: failure(400, '', {}),
  wrong_state: failure(400, '', {}),
};

const EVENT_NAMES = Object.keys(taskEventData) as TaskEventName[];
const MAX_VERSION = 2_147_483_647;

const At = Type.String({ description: 'RFC 3339, in UTC.' });

const { at: _, ...past } = PastTask.properties;
/** How a task stood after an event. */
export const PastTaskRow = Type.Object({
  ...past,
  version: Type.Integer({ description: 'Version of the task’s events.' }),
  stat: Type.Array(Type.Integer(), { description: 'Node runs by state.' }),
  at: At,
});

const examplePast = {
  version: 9,
  state: 1,
  end_reason: '',
  stat: [0, 1, 0, 0, 0],
  ignored: 0,
  batch: 1,
  batches: 1,
  at: '2026-01-05T08:00:12.000Z',
};

function toPastRow<Row extends PastTask>(row: Row, times: TimeFormat): Omit<Row, 'at'> & { at: string } {
  return { ...row, at: times.rfc3339(row.at) };
}

const { at: __, ...mark } = TimelineMark.properties;
const { from: ___, to: ____, marks: _____, ...columns } = TaskTimeline.properties;

const id = idOf('task');

export const taskPastEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.at',
    title: 'A task as it was: after an event, or at a time',
    notes:
      'Folded from the events up to then: the same as `rigel task show --at`. Without a moment as it is now. The grid has one ' +
      'character or entry for each node, in the order of the node runs.',
    methods: ['GET'],
    paths: ['/task/:id/at'],
    access: 'read',
    params: Type.Object({
      id,
      version: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Version of the task’s events.' }),
      ),
      time: Type.Optional(
        Type.String({
          description: 'RFC 3339 or milliseconds since 1970; the last event up to then counts.',
        }),
      ),
    }),
    failures: FAILURES,
    result: Type.Object({
      ...PastTaskRow.properties,
      grid: GridColumnsRow,
      marks: Type.Object(GridMarks.properties),
    }),
    example: {
      ...examplePast,
      grid: {
        first_nsid: 21,
        ips: ['10.0.0.7'],
        node_ids: [[7, 1]],
        state: '1',
        step: '0',
        attempts: '1',
        batch: [[1, 1]],
        changed: [12],
      },
      marks: { gate: [], retrying: [], draining: [] },
    },
    handler: async ({ id, version, time }, { call, times }) => {
      const moment = momentOf('time', time);
      if (version !== undefined && moment !== undefined)
        throw new WrongParameter('version and time name two moments: leave one out', 'time');
      const request =
        version !== undefined ? { id, version } : moment !== undefined ? { id, time: moment } : { id };
      return done(toPastRow(await call(taskPast.at, request), times));
    },
  }),
  defineEndpoint({
    id: 'task.frames',
    title: 'Key frames of a task: the states of all nodes at moments between its first event and its last',
    methods: ['GET'],
    paths: ['/task/:id/frames'],
    access: 'read',
    params: Type.Object({
      id,
      count: Type.Integer({
        minimum: 1,
        maximum: MAX_FRAMES,
        default: 60,
        description: 'Frames; fewer for more than 16,000 nodes.',
      }),
    }),
    failures: FAILURES,
    result: Type.Object({
      version: Type.Integer({ description: 'Last version of the task’s events.' }),
      frames: Type.Array(
        Type.Object({
          ...PastTaskRow.properties,
          states: Type.String({ description: 'A digit for each node run: its state.' }),
        }),
      ),
    }),
    example: { version: 9, frames: [{ ...examplePast, states: '1' }] },
    handler: async ({ id, count }, { call, times }) => {
      const { version, frames } = await call(taskPast.frames, { id, count });
      return done({ version, frames: frames.map((frame) => toPastRow(frame, times)) });
    },
  }),
  defineEndpoint({
    id: 'task.timeline',
    title: 'The course of a task in equal parts of its time, with marks for what stands out',
    notes: 'Marks are what operators did, executors that were lost, many failures at once, and the end.',
    methods: ['GET'],
    paths: ['/task/:id/timeline'],
    access: 'read',
    params: Type.Object({
      id,
      buckets: Type.Integer({ minimum: 1, maximum: MAX_BUCKETS, default: 600, description: 'Parts.' }),
    }),
    failures: FAILURES,
    result: Type.Object({
      ...columns,
      from_at: At,
      to_at: At,
      versions: Type.Array(Type.Integer(), { description: 'The last version up to the end of each part.' }),
      marks: Type.Array(Type.Object({ ...mark, at: At })),
    }),
    example: {
      version: 9,
      from_at: '2026-01-05T08:00:00.000Z',
      to_at: '2026-01-05T08:00:12.000Z',
      events: [9],
      succeeded: [1],
      failed: [0],
      versions: [9],
      marks: [
        {
          version: 2,
          kind: 'operator',
          event: 'task_started',
          by: 'root',
          count: 1,
          at: '2026-01-05T08:00:00.000Z',
        },
      ],
    },
    handler: async ({ id, buckets }, { call, times }) => {
      const { from, to, marks, ...rest } = await call(taskPast.timeline, { id, buckets });
      return done({
        ...rest,
        from_at: times.rfc3339(from),
        to_at: times.rfc3339(to),
        marks: marks.map((row) => ({ ...row, at: times.rfc3339(row.at) })),
      });
    },
  }),
  defineEndpoint({
    id: 'task.history',
    title: 'Events of a task',
    notes:
      'The events of `/task/:id/events`, as far as they have happened: oldest first, or with `before` newest first.',
    methods: ['GET'],
    paths: ['/task/:id/history'],
    access: 'read',
    params: Type.Object({
      id,
      limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'Rows at most.' }),
      cursor: Type.Optional(Type.String({ description: 'From `next` of the answer before.' })),
      after: Type.Optional(
        Type.Integer({ minimum: 0, maximum: MAX_VERSION, description: 'Only events after this version.' }),
      ),
      before: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: MAX_VERSION,
          description: 'Only events before this version, newest first.',
        }),
      ),
      event: Type.Optional(Type.String({ description: 'Names of events, separated by commas.' })),
      nsid: Type.Optional(
        Type.Integer({ minimum: 1, description: 'Only events that concern this node run.' }),
      ),
    }),
    failures: FAILURES,
    result: Type.Object({
      rows: Type.Array(
        Type.Object({
          version: Type.Integer(),
          at: At,
          event: Type.String({ description: 'Name of the event.' }),
          data: Type.Object({}, { description: 'As in the stream of the task’s events.' }),
        }),
      ),
      version: Type.Integer({ description: 'Last version of the task’s events.' }),
      next: Type.Union([Type.String(), Type.Null()], {
        description: 'Cursor for the rest; null: there is none.',
      }),
    }),
    example: {
      rows: [
        {
          version: 2,
          at: '2026-01-05T08:00:00.000Z',
          event: 'task_started',
          data: { opr_user: 'root', nsids: null },
        },
      ],
      version: 2,
      next: null,
    },
    handler: async ({ id, limit, cursor, after = 0, before, event, nsid }, { call, times }) => {
      const place = versionIn(cursor);
      const names = chosenIn('event', event, EVENT_NAMES);
      const answer = await call(live.taskEvents, {
        id,
        limit,
        after: before === undefined ? Math.max(after, place) : after,
        ...(before === undefined ? {} : { before: place === 0 ? before : Math.min(before, place) }),
        ...(names ? { names } : {}),
        ...(nsid === undefined ? {} : { run_id: nsid }),
      });
      const { events, version } = answer;
      const last = events.at(-1)?.version ?? version;
      // A scheduler of an earlier release does not say where to go on.
      const next = answer.next === undefined ? (last < version ? last : null) : answer.next;
      return done({
        rows: events.map(({ version, time, event, data }) => ({
          version,
          at: times.rfc3339(time),
          event,
          data: withShownTimes(data, times),
        })),
        version,
        next: next === null ? null : String(next),
      });
    },
  }),
];

/** @throws WrongParameter */
function versionIn(cursor: string | undefined): number {
  if (cursor === undefined || cursor === '') return 0;
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new WrongParameter(
    `cursor ${show(cursor)} is none: take next of the answer before, or leave it out`,
    'cursor',
  );
}
