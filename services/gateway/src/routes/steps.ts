import { catalog, UsableStep } from '@rigel/contracts';
import { Type } from 'typebox';
import { listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { filter, filterOf, READ_BY_POST, STORE_LOST } from './common.js';

export const steps: Endpoint[] = [
  defineEndpoint({
    id: 'task_step.list',
    title: 'List the steps that templates can use: the built-in ones, then the remote steps, oldest first',
    methods: READ_BY_POST,
    paths: ['/task_step/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(UsableStep),
    example: [
      {
        id: 1,
        name: 'create_vm',
        desc: 'makes a machine for the node',
        type: 'vm',
        params: { vm_type_id: 'integer' },
      },
    ],
    handler: async ({ name }, { page, call }) =>
      listed(page, await call(catalog.listUsableSteps, { ...page, name: filterOf(name) })),
  }),
];
