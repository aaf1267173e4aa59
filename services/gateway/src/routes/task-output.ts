import { MOST_GROUPS, MOST_PIECES, nodeRuns, OutputGroup, type PiecePlace, show } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { type Failures, failure, WrongParameter } from '../failures.js';
import { idOf } from './common.js';
import { momentOf } from './moments.js';

/*
 * What all nodes of a task printed.
 */

const FAILURES: Failures = { otherwise: failure(400, '', {}) };

const { nodes, ...group } = OutputGroup.properties;
const { run_id, ...node } = nodes.items.properties;
export const OutputGroupRow = Type.Object({
  ...group,
  output: Type.String({ description: 'The beginning of what the last attempt printed, at most 16 KiB.' }),
  nodes: Type.Array(Type.Object({ nsid: run_id, ...node }), { description: 'The first 20 of them.' }),
});

export const taskOutputEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.output_groups',
    title: 'What the nodes of a task printed at a step, in groups of equal results',
    notes:
      'The largest group first. Nodes are in one group when the step ended there in the same way and printed the same bytes.',
    methods: ['GET'],
    paths: ['/task/:id/output/groups'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      step: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1_000,
          description: 'Place of the step, from 1. Default: the last.',
        }),
      ),
      limit: Type.Integer({ minimum: 1, maximum: MOST_GROUPS, default: 20, description: 'Groups at most.' }),
    }),
    failures: FAILURES,
    result: Type.Object({
      step: Type.Integer(),
      name: Type.String({ description: 'Of the step.' }),
      rows: Type.Array(OutputGroupRow),
      more_groups: Type.Integer(),
      ended: Type.Integer({ description: 'Nodes on which the step has ended: those of all groups.' }),
      nodes: Type.Integer(),
    }),
    example: {
      ...{ step: 1, name: 'run', more_groups: 0, ended: 1, nodes: 2 },
      rows: [
        {
          ...{ state: 2, message: '', count: 1, bytes: 3, output: 'ok\n', cut: false },
          nodes: [{ nsid: 21, node_id: 7, ip: '10.0.0.7', attempt: 1 }],
        },
      ],
    },
    handler: async (input, { call }) => {
      const { groups, ...counts } = await call(nodeRuns.outputGroups, input);
      const rows = groups.map(({ nodes, ...row }) => ({
        ...row,
        nodes: nodes.map(({ run_id, ...node }) => ({ nsid: run_id, ...node })),
      }));
      return done({ ...counts, rows });
    },
  }),
  defineEndpoint({
    id: 'task.output',
    title: 'What all nodes of a task printed, piece by piece',
    notes:
      'By node run, step, attempt and place; pieces may overlap. An answer ends after 1 MiB. To follow a task, ask again with `since` a ' +
      'few seconds before the `now` of the answer before, and pass over bytes that are known.',
    methods: ['GET'],
    paths: ['/task/:id/output'],
    access: 'read',
    params: Type.Object({
      id: idOf('task'),
      since: Type.Optional(
        Type.String({ description: 'Only what was stored at this time or later (milliseconds since 1970).' }),
      ),
      limit: Type.Integer({
        minimum: 1,
        maximum: MOST_PIECES,
        default: MOST_PIECES,
        description: 'Pieces at most.',
      }),
      cursor: Type.Optional(Type.String({ description: '`next` of the answer before.' })),
    }),
    failures: FAILURES,
    result: Type.Object({
      rows: Type.Array(
        Type.Object({
          nsid: Type.Integer(),
          ip: Type.String(),
          step: Type.Integer(),
          attempt: Type.Integer(),
          from: Type.Integer({ description: 'Place of the first byte in the output of the attempt.' }),
          data: Type.String({ description: 'Base64.' }),
        }),
      ),
      next: Type.Union([Type.String(), Type.Null()]),
      now: Type.Integer({ description: 'When the answer was begun, in milliseconds since 1970.' }),
    }),
    example: {
      rows: [{ nsid: 21, ip: '10.0.0.7', step: 1, attempt: 1, from: 0, data: 'b2sK' }],
      ...{ next: null, now: 1_767_600_000_000 },
    },
    handler: async ({ id, since, limit, cursor }, { call }) => {
      const from = momentOf('since', since);
      const { pieces, next, now } = await call(nodeRuns.outputPieces, {
        ...{ id, limit },
        ...(from === undefined ? {} : { since: from }),
        ...(cursor === undefined || cursor === '' ? {} : { after: placeOf(cursor) }),
      });
      const rows = pieces.map(({ run_id, ...piece }) => ({ nsid: run_id, ...piece }));
      return done({ rows, next: next && cursorOf(next), now });
    },
  }),
];

const cursorOf = ({ run, step, attempt, byte }: PiecePlace): string => `${run}.${step}.${attempt}.${byte}`;

/** @throws WrongParameter */
function placeOf(cursor: string): PiecePlace {
  const numbers = /^(\d{1,15})\.(\d{1,9})\.(\d{1,9})\.(\d{1,15})$/.exec(cursor)?.slice(1).map(Number);
  const [run, step, attempt, byte] = numbers ?? [];
  if (run === undefined || step === undefined || attempt === undefined || byte === undefined)
    throw new WrongParameter(
      `cursor ${show(cursor)} is none: take next of the answer before, or leave it out`,
      'cursor',
    );
  return { run, step, attempt, byte };
}
