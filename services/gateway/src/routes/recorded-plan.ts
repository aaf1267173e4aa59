import { PlanDifference, RecordedPlan, RecordedStep, recordedPlan } from '@rigel/contracts';
import { Type } from 'typebox';
import { done } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { idOf, STORE_LOST } from './common.js';

const { places, ...action } = RecordedStep.properties.actions.items.properties;
export const RecordedStepRow = Type.Object({
  ...RecordedStep.properties,
  timeout: Type.Number({ description: 'Seconds that one attempt may take.' }),
  actions: Type.Array(
    Type.Object({
      ...action,
      script: Type.String({ description: 'As it runs, with ‹secret name› in place of each secret.' }),
      text: Type.String({ description: 'Before the values are in their places.' }),
      places: Type.Array(places.items, { description: 'Where the values land in `text`.' }),
    }),
  ),
});
export const PlanDifferenceRow = PlanDifference;

export const recordedPlanEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.plan',
    title: 'What a task runs, and what its template has become since',
    notes:
      'A task keeps the plan that it was made with. `differences` are those to the template, its steps and their actions as they are ' +
      'now; values that the call, the pool or the service gave are none.',
    methods: ['GET'],
    paths: ['/task/:id/plan'],
    access: 'read',
    params: Type.Object({ id: idOf('task') }),
    failures: { otherwise: failure(400, STORE_LOST, {}), not_found: exactFailure(400, 'Flow not found', {}) },
    result: Type.Object({
      ...RecordedPlan.properties,
      steps: Type.Array(RecordedStepRow),
      catalog: Type.Object({
        ...RecordedPlan.properties.catalog.properties,
        state: Type.Enum([...RecordedPlan.properties.catalog.properties.state.enum], {
          description: '`unusable`: no task could be made of it; `unknown`: the catalog does not answer.',
        }),
        values: Type.Boolean({
          description: 'False: an earlier release made the task, and values are not compared.',
        }),
        differences: Type.Array(PlanDifferenceRow),
      }),
    }),
    example: {
      template: { id: 3, name: 'rollout' },
      steps: [],
      catalog: {
        ...{ state: 'changed', reason: '', name: 'rollout', values: true, total: 1 },
        differences: [
          {
            ...{ kind: 'script', step: 'start_service', step_num: 2, step_num_now: 2, name: 'start' },
            ...{ recorded: 'start {{tag}}', now: 'start --wait {{tag}}' },
          },
        ],
      },
    },
    handler: async ({ id }, { call }) => done(await call(recordedPlan, { id })),
  }),
];
