import {
  BatchLine,
  FailureGroup,
  findRuns,
  findTasks,
  GridMarks,
  Id,
  inventory,
  type RpcRequest,
  RUN_SORTS,
  RunLine,
  TASK_SORTS,
  TASKS_SORTED,
  taskBatches,
  taskFailures,
  taskGrid,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Invocation } from '../endpoint.js';
import { exactFailure, type Failures, failure } from '../failures.js';
import { filterOf, idOf, STORE_LOST } from './common.js';
import { chosenIn, cursorParams, partOf, rowsOf, several, statesIn, statesParam, valuesIn } from './lists.js';
import { momentOf } from './moments.js';
import { exampleTask, TaskRow, toTaskRow } from './task-rows.js';

const Utc = Type.String({ description: 'RFC 3339, in UTC.' });
const MaybeUtc = Type.Union([Utc, Type.Null()]);
const Numbers = Type.Array(Type.Integer());

const OF_A_LIST: Failures = {
  otherwise: failure(400, STORE_LOST, {}),
  parameter: failure(400, '', {}),
  invalid: failure(400, '', {}),
};
const OF_A_TASK: Failures = { ...OF_A_LIST, not_found: exactFailure(400, 'Flow not found', {}) };

const { updated: _updated, ...runLine } = RunLine.properties;
/** One node's part of a task, as a row of a table. */
export const RunLineRow = Type.Object({ ...runLine, updated_at: Utc });

const NodeName = Type.Object({ id: Id, node_id: Id, ip: Type.String() });
const { started: _started, ended: _ended, last: _last, ...batchLine } = BatchLine.properties;
export const BatchRow = Type.Object({
  ...batchLine,
  started_at: MaybeUtc,
  ended_at: MaybeUtc,
  last: Type.Union([Type.Object({ ...NodeName.properties, ended_at: Utc }), Type.Null()], {
    description: 'The node run of it that ended last; null: none has ended.',
  }),
  open: Type.Array(NodeName, {
    description: 'Up to five node runs that have not ended, those that have waited longest first.',
  }),
});

const { first: _first, last: _lastOne, ...failureGroup } = FailureGroup.properties;
export const FailureRow = Type.Object({
  ...failureGroup,
  reason: Type.String({
    description:
      'The reason without what differs from node to node: ‹n›, ‹address›, ‹hex›, ‹id› and ‹time› stand for it.',
  }),
  example: Type.String({ description: 'One of the reasons as it is.' }),
  first_at: Utc,
  last_at: Utc,
});

/** The node runs of a task as columns. */
export const GridColumnsRow = Type.Object({
  first_nsid: Type.Integer({ description: 'Id of the first node run; the others follow it without gaps.' }),
  ips: Type.Array(Type.String()),
  node_ids: Type.Array(Numbers, { description: 'Ids of the nodes as ranges [first, count].' }),
  state: Type.String({ description: 'A digit for each run, as its state.' }),
  step: Type.String({
    description:
      'A character of 0-9a-z for each run: the step that it stands at, from 0; the number of steps once all are done.',
  }),
  attempts: Type.String({ description: 'The same for the attempts begun at that step.' }),
  batch: Type.Array(Numbers, {
    description: 'The batches as ranges [batch, count], for one run after the other.',
  }),
  changed: Type.Array(Type.Integer(), {
    description: 'Seconds from the creation of the task to the last change of each run.',
  }),
});

export const GridRow = Type.Object({
  version: Type.Integer({
    description: 'Of the events of the task: the answer is the state after that one.',
  }),
  cursor: Type.String({ description: 'For `after` of the next request.' }),
  whole: Type.Optional(GridColumnsRow),
  changes: Type.Optional(
    Type.Array(Numbers, { description: '[index, state, step, attempts] of the runs that changed.' }),
  ),
  marks: Type.Object(GridMarks.properties, {
    description:
      'Indexes of runs that wait for other pools, that are at work on a further attempt, or whose command may still run after ' +
      'the end of the task. With `changes` those of the changed runs alone, which have no others.',
  }),
});

const END_REASONS = ['completed', 'partial', 'failed', 'stopped', 'timeout'] as const;

type TaskFilter = RpcRequest<typeof findTasks>;

/** The pools that tasks must belong to, by the filters of a request; undefined: any. */
async function poolsOf(
  { pool_id, service_id, cluster_id }: { pool_id?: string; service_id?: number; cluster_id?: number },
  { call }: Invocation,
): Promise<number[] | undefined> {
  const sets: number[][] = [];
  const named = valuesIn(pool_id);
  if (named) sets.push(named.map(Number));
  const all = { page: 1, page_size: 10_000 };
  if (service_id !== undefined) {
    const { rows } = await call(inventory.listPools, { ...all, service_id });
    sets.push(rows.map(({ id }) => id));
  }
  if (cluster_id !== undefined) {
    const [services, pools] = await Promise.all([
      call(inventory.listServices, { ...all, cluster_id }),
      call(inventory.listPools, all),
    ]);
    const within = new Set(services.rows.map(({ id }) => id));
    sets.push(pools.rows.filter((pool) => within.has(pool.service_id)).map(({ id }) => id));
  }
  const [first, ...others] = sets;
  return first?.filter((id) => others.every((set) => set.includes(id)));
}

const POOLS = /^[1-9]\d{0,14}$/;

/** Lists of tasks and of what is inside a task, in parts. */
export const taskReadEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.find',
    title: 'Tasks that match every given filter, newest first',
    notes:
      'In parts with a cursor; /task/list has pages with numbers instead. Other orders than by creation sort the ' +
      `${TASKS_SORTED} newest tasks that match.`,
    methods: ['GET'],
    paths: ['/task/find'],
    access: 'read',
    params: Type.Object({
      state: statesParam,
      end_reason: several('Only tasks that ended so: completed, partial, failed, stopped, timeout'),
      pool_id: several('Only tasks of the pool with this id'),
      service_id: Type.Optional(idOf('service that the pool of the task belongs to')),
      cluster_id: Type.Optional(idOf('cluster that the pool of the task belongs to')),
      template_id: Type.Optional(idOf('template')),
      opr_user: Type.Optional(Type.String({ description: 'Only tasks of exactly this operator.' })),
      flow_type: Type.Optional(
        Type.Enum(['manual', 'crontab'], { description: 'Made by an operator, or by a schedule.' }),
      ),
      schedule_id: Type.Optional(idOf('scheduled task that made it')),
      node: Type.Optional(idOf('node that the task works on, or did')),
      from: Type.Optional(
        Type.String({
          description: 'Only tasks made at this time or later (RFC 3339, or milliseconds since 1970).',
        }),
      ),
      to: Type.Optional(Type.String({ description: 'Only tasks made before this time.' })),
      active: Type.Optional(Type.Boolean({ description: 'Whether something is still to be done for it.' })),
      q: Type.Optional(
        Type.String({
          maxLength: 255,
          description:
            'Part of the name of the task, its pool or its template, in capitals or not; or # and its id.',
        }),
      ),
      sort: Type.Enum([...TASK_SORTS], {
        default: 'created',
        description: 'The newest, the last changed, the longest, or those with most failed nodes first.',
      }),
      ...cursorParams,
    }),
    failures: OF_A_LIST,
    result: rowsOf(TaskRow),
    example: { rows: [exampleTask], next: null },
    handler: async (input, invocation) => {
      const { call, times } = invocation;
      const { state, end_reason, pool_id, service_id, cluster_id, opr_user, node, from, to, q, sort } = input;
      const wrong = valuesIn(pool_id)?.find((id) => !POOLS.test(id));
      if (wrong !== undefined) chosenIn('pool_id', wrong, ['the id of a pool']);
      const filter: Partial<TaskFilter> = {
        ...only('state', statesIn(state)),
        ...only('end_reason', chosenIn('end_reason', end_reason, END_REASONS)),
        ...only(
          'pool_ids',
          await poolsOf(
            {
              ...only('pool_id', pool_id),
              ...only('service_id', service_id),
              ...only('cluster_id', cluster_id),
            },
            invocation,
          ),
        ),
        ...only('template_id', input.template_id),
        ...only('opr_user', filterOf(opr_user)),
        ...only('flow_type', input.flow_type as TaskFilter['flow_type']),
        ...only('schedule_id', input.schedule_id),
        ...only('node_id', node),
        ...only('from', momentOf('from', from)),
        ...only('to', momentOf('to', to)),
        ...only('active', input.active),
        ...only('q', filterOf(q)),
      };
      const { rows, next } = await call(findTasks, {
        ...filter,
        sort: sort as TaskFilter['sort'],
        ...partOf(input),
      });
      return done({ rows: rows.map((task) => toTaskRow(task, times)), next });
    },
  }),
  defineEndpoint({
    id: 'task.grid',
    title: 'The node runs of a task as columns, for a picture of all of them',
    notes:
      'Ten thousand runs are a few strings. With `after` the answer has what changed since then, or the whole where that is ' +
      'shorter. Nothing is missed; a change may come twice.',
    methods: ['GET'],
    paths: ['/task/:id/grid'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      after: Type.Optional(Type.String({ maxLength: 40, description: '`cursor` of an earlier answer.' })),
    }),
    failures: OF_A_TASK,
    result: GridRow,
    example: {
      version: 21,
      cursor: '21',
      whole: {
        first_nsid: 101,
        ips: ['10.0.0.7', '10.0.0.8', '10.0.0.9'],
        node_ids: [[7, 3]],
        state: '231',
        step: '210',
        attempts: '111',
        batch: [
          [1, 2],
          [2, 1],
        ],
        changed: [12, 14, 14],
      },
      marks: { gate: [], retrying: [], draining: [] },
    },
    handler: async ({ id, after }, { call }) =>
      done(await call(taskGrid, { id, ...(after === undefined || after === '' ? {} : { after }) })),
  }),
  defineEndpoint({
    id: 'task.runs',
    title: 'Node runs of a task that match every given filter',
    methods: ['GET'],
    paths: ['/task/:id/runs'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      state: statesParam,
      batch: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Only runs of this batch, from 1.' }),
      ),
      step: several('Only runs that stand at the step of this name'),
      reason: Type.Optional(
        Type.String({
          maxLength: 2_000,
          description:
            'Part of what the step says; each ‹…› stands for any text, as in the reasons of /task/:id/failures.',
        }),
      ),
      q: Type.Optional(Type.String({ maxLength: 255, description: 'Part of the address.' })),
      nsid: Type.Optional(idOf('only node run to answer')),
      sort: Type.Enum([...RUN_SORTS], {
        default: 'batch',
        description: 'state: failed ones first; attempts: the most first; updated: the last changed first.',
      }),
      ...cursorParams,
    }),
    failures: OF_A_TASK,
    result: rowsOf(RunLineRow),
    example: {
      rows: [
        {
          id: 102,
          index: 1,
          node_id: 8,
          ip: '10.0.0.8',
          vm_id: '',
          batch_id: 1,
          state: 3,
          step: 'start_service',
          step_num: 2,
          attempts: 3,
          message: 'exit status 1',
          updated_at: '2026-01-05T08:00:12.000Z',
        },
      ],
      next: null,
    },
    handler: async ({ id, state, batch, step, reason, q, nsid, sort, ...part }, { call, times }) => {
      const { rows, next } = await call(findRuns, {
        id,
        ...only('state', statesIn(state)),
        ...only('batch', batch),
        ...only('step', valuesIn(step)),
        ...only('reason', filterOf(reason)),
        ...only('q', filterOf(q)),
        ...only('run_id', nsid),
        sort: sort as RpcRequest<typeof findRuns>['sort'],
        ...partOf(part),
      });
      return done({
        rows: rows.map(({ updated, ...row }) => ({ ...row, updated_at: times.rfc3339(updated) })),
        next,
      });
    },
  }),
  defineEndpoint({
    id: 'task.batches',
    title: 'The batches of a task, in order',
    methods: ['GET'],
    paths: ['/task/:id/batches'],
    access: 'read',
    params: Type.Object({ id: idOf('task'), ...cursorParams }),
    failures: OF_A_TASK,
    result: rowsOf(BatchRow),
    example: {
      rows: [
        {
          batch_id: 1,
          stat: [0, 1, 1, 0, 0],
          started_at: '2026-01-05T08:00:00.000Z',
          ended_at: null,
          last: { id: 101, node_id: 7, ip: '10.0.0.7', ended_at: '2026-01-05T08:00:12.000Z' },
          open: [{ id: 102, node_id: 8, ip: '10.0.0.8' }],
        },
      ],
      next: null,
    },
    handler: async ({ id, ...part }, { call, times }) => {
      const maybe = (time: number | null) => (time === null ? null : times.rfc3339(time));
      const { rows, next } = await call(taskBatches, { id, ...partOf(part) });
      return done({
        rows: rows.map(({ started, ended, last, ...row }) => {
          const { ended: lastEnded = 0, ...node } = last ?? {};
          return {
            ...row,
            started_at: maybe(started),
            ended_at: maybe(ended),
            last: last ? { ...node, ended_at: times.rfc3339(lastEnded) } : null,
          };
        }),
        next,
      });
    },
  }),
  defineEndpoint({
    id: 'task.failures',
    title: 'The failed nodes of a task, by step and reason',
    notes: 'The largest group comes first. The reason of a group is a filter for /task/:id/runs.',
    methods: ['GET'],
    paths: ['/task/:id/failures'],
    access: 'read',
    params: Type.Object({ id: idOf('task'), limit: cursorParams.limit }),
    failures: OF_A_TASK,
    result: Type.Object({
      rows: Type.Array(FailureRow),
      failed: Type.Integer({ description: 'Failed node runs in all.' }),
      more_groups: Type.Integer({ description: 'Groups that are not among the rows.' }),
    }),
    example: {
      rows: [
        {
          step: 'start_service',
          step_num: 2,
          reason: 'exit status 1: no space left on ‹address›',
          example: 'exit status 1: no space left on 10.0.0.8',
          count: 38,
          nodes: [{ id: 102, node_id: 8, ip: '10.0.0.8' }],
          first_at: '2026-01-05T08:00:12.000Z',
          last_at: '2026-01-05T08:03:40.000Z',
        },
      ],
      failed: 38,
      more_groups: 0,
    },
    handler: async ({ id, limit }, { call, times }) => {
      const { rows, ...counts } = await call(taskFailures, { id, limit });
      return done({
        rows: rows.map(({ first, last, ...row }) => ({
          ...row,
          first_at: times.rfc3339(first),
          last_at: times.rfc3339(last),
        })),
        ...counts,
      });
    },
  }),
];

/** A field that is left out where it has no value. */
function only<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, Value>>;
}
