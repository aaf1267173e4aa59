import {
  MAX_SHOWN_MACHINES,
  orphans,
  ProviderLook,
  type RpcResponse,
  UnknownCreation,
  UnownedMachine,
} from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import type { TimeFormat } from '../answer/time-format.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { STORE_LOST } from './common.js';

const At = Type.String({ description: 'RFC 3339, in UTC.' });
const By = Type.String({ description: 'Who began it; `system`: the clock.' });
const Count = Type.Integer({ minimum: 0 });

/** The check that is under way. */
export const RunningCheckRow = Type.Union(
  [
    Type.Object({
      since_at: At,
      by: By,
      progress: Type.Integer({ minimum: 0, description: 'Machines, or events, that it has looked at.' }),
    }),
    Type.Null(),
  ],
  { description: 'Null: none is under way.' },
);

/** Times and outcome of the last check that has come to an end. */
export const EndedCheckRow = Type.Object({
  began_at: At,
  ended_at: At,
  by: By,
  reason: Type.String({ description: 'Why it could not be done; empty: it was done.' }),
});

const { made: _made, ...machine } = UnownedMachine.properties;
export const UnownedMachineRow = Type.Object({
  ...machine,
  made_at: Type.Union([At, Type.Null()], { description: 'Null: the provider does not say.' }),
});
const { at: _at, ...creation } = UnknownCreation.properties;
export const UnknownCreationRow = Type.Object({ ...creation, at: At });
export const ProviderLookRow = ProviderLook;

export function runningRow(
  running: { since: number; by: string; progress: number } | null,
  times: TimeFormat,
) {
  if (running === null) return null;
  const { since, ...rest } = running;
  return { ...rest, since_at: times.rfc3339(since) };
}

export function endedRow(
  { began, ended, by, reason }: { began: number; ended: number; by: string; reason: string },
  times: TimeFormat,
) {
  return { began_at: times.rfc3339(began), ended_at: times.rfc3339(ended), by, reason };
}

type Machine = NonNullable<
  NonNullable<RpcResponse<typeof orphans.read>['last']>['result']
>['nobodys'][number];

export const Begun = Type.Object({
  begun: Type.Boolean({ description: 'False: one is under way already, and its result is yours too.' }),
});

export const machineEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'machine.orphans',
    title: 'Machines at VM providers that no node has, as of the last look',
    notes:
      'Three lists: `orphans` are machines that no node has; `being_made` are machines of node runs that are not done, whose nodes get ' +
      'them soon; `unknown` are requests for a machine whose answer was lost, as the events have them now. A provider that cannot ' +
      `list its machines is named in \`providers\`. Up to ${MAX_SHOWN_MACHINES} of each list; \`counts\` counts all. Nothing is deleted.`,
    methods: ['GET'],
    paths: ['/orphans'],
    access: 'read',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Type.Object({
      running: RunningCheckRow,
      last: Type.Union([EndedCheckRow, Type.Null()], { description: 'Null: nobody has looked yet.' }),
      providers: Type.Array(ProviderLookRow),
      orphans: Type.Array(UnownedMachineRow),
      being_made: Type.Array(UnownedMachineRow),
      unknown: Type.Array(UnknownCreationRow, { description: 'Newest first.' }),
      counts: Type.Object({ orphans: Count, being_made: Count, unknown: Count }),
    }),
    example: {
      running: null,
      last: {
        began_at: '2026-01-05T08:00:00.000Z',
        ended_at: '2026-01-05T08:00:01.250Z',
        by: 'ann',
        reason: '',
      },
      providers: [],
      orphans: [],
      being_made: [],
      unknown: [],
      counts: { orphans: 0, being_made: 0, unknown: 0 },
    },
    handler: async (_input, { call, times }) => {
      const { running, last, unknown, unknown_total } = await call(orphans.read, {});
      const result = last?.result;
      const row = ({ made, ...rest }: Machine) => ({
        ...rest,
        made_at: made === null ? null : times.rfc3339(made),
      });
      return done({
        running: runningRow(running, times),
        last: last && endedRow(last, times),
        providers: result?.providers ?? [],
        orphans: result?.nobodys.map(row) ?? [],
        being_made: result?.making.map(row) ?? [],
        unknown: unknown.map(({ at, ...rest }) => ({ ...rest, at: times.rfc3339(at) })),
        counts: {
          orphans: result?.orphans ?? 0,
          being_made: result?.being_made ?? 0,
          unknown: unknown_total,
        },
      });
    },
  }),
  defineEndpoint({
    id: 'machine.check',
    title: 'Looks for machines at VM providers that no node has',
    notes:
      'Answers at once: read the result with `GET /orphans`. An executor asks each provider, which may take two minutes for each; one ' +
      'look runs at a time.',
    methods: ['POST'],
    paths: ['/orphans/check'],
    access: 'write',
    role: 'operator',
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Begun,
    example: { begun: true },
    handler: async (_input, { call, tellAudit }) => {
      const answer = await call(orphans.check, {});
      if (answer.begun) tellAudit();
      return done(answer);
    },
  }),
];
