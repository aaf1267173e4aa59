import { NodeReasons, Reason, TaskWhy, taskWhy } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { idOf, STORE_LOST } from './common.js';

export const ReasonRow = Type.Object({
  ...Reason.properties,
  since: Type.Union([Type.String(), Type.Null()], {
    description: 'Since when it is so, or when it happened (RFC 3339); null: not known.',
  }),
});

const Result = Type.Object({
  ...TaskWhy.properties,
  chain: Type.Array(ReasonRow),
  nodes: Type.Array(Type.Object({ ...NodeReasons.properties, chain: Type.Array(ReasonRow) })),
});

function toRows(chain: readonly Reason[], times: TimeFormat) {
  return chain.map((row) => ({ ...row, since: row.since === null ? null : times.rfc3339(row.since) }));
}

const exampleChain = [
  {
    code: 'task_runs',
    text: 'the task is under way: of 8 nodes 4 succeeded, 0 failed, 4 are worked on, 0 wait',
    since: null,
    data: { nodes: 8, waiting: 0, running: 4, succeeded: 4, failed: 0 },
  },
  {
    code: 'batch_waits',
    text: 'batch 2 of 2 waits for 10.0.0.7 and 3 more',
    since: null,
    data: { batch: 2, batches: 2, nodes: 4 },
  },
];

export const why: Endpoint[] = [
  defineEndpoint({
    id: 'task.why',
    title: 'Why a task waits, has failed, or ended as it did',
    notes:
      'The chain leads from the task down to the last known reason, each in words and as data; `text` is the chain in one ' +
      'line. Nodes that wait come before those that have failed; up to 20 are explained, the others are counted.',
    methods: ['GET'],
    paths: ['/task/:id/why'],
    access: 'read',
    params: Type.Object({ id: idOf('task') }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      not_found: exactFailure(400, 'Flow not found', {}),
    },
    result: Result,
    example: {
      task_id: 7,
      state: 1,
      text: exampleChain.map(({ text }) => text).join(' ← '),
      chain: exampleChain,
      nodes: [],
      more_nodes: 0,
    },
    handler: async ({ id }, { call, times }) => {
      const answer = await call(taskWhy, { id });
      return done({
        ...answer,
        chain: toRows(answer.chain, times),
        nodes: answer.nodes.map((node) => ({ ...node, chain: toRows(node.chain, times) })),
      });
    },
  }),
];
