import { catalog, Id, Template } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint, type Method } from '../endpoint.js';
import { exactFailure, type Failures, failure } from '../failures.js';
import { StepsInput, toStepOption } from '../request/step-options.js';
import {
  DELETE_BY_POST,
  Desc,
  EmptyText,
  filter,
  filterOf,
  idOf,
  Name,
  READ_BY_POST,
  REFUSED,
  STORE_LOST,
} from './common.js';
import { IfVersion, ManagedBy, managedStampedRow, withStampRow, withStampRows } from './stamps.js';

/*
 * Templates are one resource under three addresses, and each address documents failures of its own.
 */

const example = {
  id: 2,
  name: 'rollout',
  desc: 'one node after the other',
  steps: [
    {
      name: 'start_service',
      param_values: { tag: 'shop:1.0' },
      retry: { retry_times: 2, ignore_error: false },
    },
  ],
};

export const TemplateRow = managedStampedRow(Template);

/** What one of the addresses takes besides. */
const MANAGED = { managed_by: Type.Optional(ManagedBy) };

function createTemplate(
  id: string,
  methods: readonly Method[],
  path: string,
  desc: typeof Desc,
  failures: Failures,
  more: Partial<typeof MANAGED> = {},
): Endpoint {
  return defineEndpoint({
    id,
    title: 'Create a template',
    methods,
    paths: [path],
    access: 'write',
    role: 'admin',
    getNeedsBody: true,
    params: Type.Object({ name: Name, desc, steps: StepsInput, ...(more as typeof MANAGED) }),
    key: 'kept',
    failures,
    result: Id,
    example: 2,
    handler: async ({ steps, ...input }, { call }) =>
      done((await call(catalog.createTemplate, { ...input, steps: steps.map(toStepOption) })).id),
  });
}

function listTemplates(id: string, path: string, failures: Failures): Endpoint {
  return defineEndpoint({
    id,
    title: 'List templates, newest first',
    methods: READ_BY_POST,
    paths: [path],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures,
    result: Type.Array(TemplateRow),
    example: [example],
    handler: async ({ name }, { page, call }) =>
      listed(page, withStampRows(await call(catalog.listTemplates, { ...page, name: filterOf(name) }))),
  });
}

function deleteTemplate(id: string, paths: readonly string[], missing: string): Endpoint {
  return defineEndpoint({
    id,
    title: 'Delete a template that no pool names; tasks made from it keep their own copy',
    methods: DELETE_BY_POST,
    paths,
    access: 'write',
    role: 'admin',
    params: Type.Object({ id: idOf('template'), if_version: IfVersion }),
    failures: {
      otherwise: failure(404, missing, {}),
      not_found: exactFailure(404, missing, {}),
      in_use: failure(404, '', {}),
      conflict: failure(400, '', {}),
    },
    result: Type.Null(),
    example: null,
    handler: async (input, { call }) => {
      await call(catalog.deleteTemplate, input);
      return done(null);
    },
  });
}

export const templates: Endpoint[] = [
  createTemplate(
    'task_impl.create',
    ['POST', 'GET'],
    '/task/impl/create',
    Type.String({ ...Desc, default: '' }),
    {
      otherwise: failure(400, 'json can not convert ', {}),
      reference: failure(404, 'step name not found', {}),
      conflict: failure(404, 'step name not found', {}),
      unavailable: failure(404, 'step name not found', {}),
    },
  ),
  deleteTemplate('task_impl.delete', ['/task/impl/delete', '/task/impl/delete/:id'], 'task impl not found'),
  listTemplates('task_impl.list', '/task/impl/list', { otherwise: failure(400, STORE_LOST, []) }),

  createTemplate(
    'task_tpl.create',
    ['POST'],
    '/task_tpl/create',
    Desc,
    { otherwise: failure(400, STORE_LOST, {}) },
    MANAGED,
  ),
  listTemplates('task_tpl.list', '/task_tpl/list', { otherwise: failure(400, STORE_LOST, {}) }),
  deleteTemplate('task_tpl.delete', ['/task_tpl/delete/:id'], 'data not found'),
  defineEndpoint({
    id: 'task_tpl.info',
    title: 'One template',
    methods: READ_BY_POST,
    paths: ['/task_tpl/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('template') }),
    failures: { otherwise: failure(404, REFUSED, {}) },
    result: TemplateRow,
    example,
    handler: async ({ id }, { call }) => done(withStampRow(await call(catalog.getTemplate, { id }))),
  }),
  defineEndpoint({
    id: 'task_tpl.update',
    title: 'Change a template',
    notes:
      'Fields that are absent stay as they are; steps are replaced as a whole. Tasks made before keep their copy.',
    methods: ['POST'],
    paths: ['/task_tpl/update/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('template'),
      if_version: IfVersion,
      name: Type.Optional(Name),
      desc: Type.Optional(Desc),
      steps: Type.Optional(StepsInput),
      ...MANAGED,
    }),
    changes: ['name', 'desc', 'steps', 'managed_by'],
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: EmptyText,
    example: '',
    handler: async ({ steps, ...input }, { call }) => {
      await call(catalog.updateTemplate, { ...input, steps: steps?.map(toStepOption) });
      return done('');
    },
  }),

  createTemplate('action_impl.create', ['POST'], '/action/impl/create', Desc, {
    otherwise: failure(400, STORE_LOST, {}),
  }),
  listTemplates('action_impl.list', '/action/impl/list', { otherwise: failure(400, STORE_LOST, {}) }),
  deleteTemplate('action_impl.delete', ['/action/impl/delete/:id', '/action/impl/delete'], 'data not found'),
];
