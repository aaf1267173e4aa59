import { catalog, Id, RemoteStep } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import {
  DELETE_BY_POST,
  Desc,
  EmptyText,
  filter,
  filterOf,
  ID_WRONG,
  idOf,
  Name,
  READ_BY_GET,
  READ_BY_POST,
  STORE_LOST,
} from './common.js';
import { IfVersion, ManagedBy, managedStampedRow, withStampRow } from './stamps.js';

const Actions = Type.Array(Type.String(), {
  description: 'Names of actions in running order; they need not exist yet.',
});
const spellings = { actions: ['action'] };

/** The list of actions is accepted under both names. */
export const RemoteStepRow = Type.Object({
  ...managedStampedRow(RemoteStep).properties,
  action: RemoteStep.properties.actions,
});
const toRow = (step: RemoteStep) => ({ ...step, action: step.actions });
const toStamped = (step: RemoteStep) => withStampRow(toRow(step));
const example = { id: 1, name: 'restart', desc: 'stop, then start', actions: ['stop', 'start'] };

export const remoteSteps: Endpoint[] = [
  defineEndpoint({
    id: 'remote_step.list',
    title: 'List remote steps, newest first',
    methods: READ_BY_GET,
    paths: ['/remote_step/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(RemoteStepRow),
    example: [toRow(example)],
    handler: async ({ name }, { page, call }) => {
      const { rows, total } = await call(catalog.listRemoteSteps, { ...page, name: filterOf(name) });
      return listed(page, { total, rows: rows.map((step) => toStamped(step)) });
    },
  }),
  defineEndpoint({
    id: 'remote_step.create',
    title: 'Create a remote step',
    methods: ['POST'],
    paths: ['/remote_step/create'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ name: Name, desc: Desc, actions: Actions, managed_by: Type.Optional(ManagedBy) }),
    spellings,
    key: 'kept',
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Id,
    example: 1,
    handler: async (input, { call }) => done((await call(catalog.createRemoteStep, input)).id),
  }),
  defineEndpoint({
    id: 'remote_step.update',
    title: 'Change a remote step',
    notes: 'Fields that are absent stay as they are. The name stays while a template uses the step.',
    methods: ['POST'],
    paths: ['/remote_step/update/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('remote step'),
      if_version: IfVersion,
      name: Type.Optional(Name),
      desc: Type.Optional(Desc),
      actions: Type.Optional(Actions),
      managed_by: Type.Optional(ManagedBy),
    }),
    spellings,
    changes: ['name', 'desc', 'actions', 'managed_by'],
    failures: {
      otherwise: failure(400, STORE_LOST, null),
      not_found: failure(404, '', null),
      in_use: failure(404, '', null),
    },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(catalog.updateRemoteStep, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'remote_step.delete',
    title: 'Delete a remote step that no template uses',
    methods: DELETE_BY_POST,
    paths: ['/remote_step/delete/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ id: idOf('remote step'), if_version: IfVersion }),
    failures: {
      otherwise: failure(400, STORE_LOST, null),
      conflict: failure(400, '', null),
      not_found: failure(404, '', null),
      in_use: failure(404, '', null),
    },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(catalog.deleteRemoteStep, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'remote_step.info',
    title: 'One remote step',
    methods: READ_BY_POST,
    paths: ['/remote_step/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('remote step') }),
    failures: {
      otherwise: failure(400, ID_WRONG, {}),
      not_found: exactFailure(404, 'remote_step in db not found', {}),
    },
    result: RemoteStepRow,
    example: toRow(example),
    handler: async ({ id }, { call }) => done(toStamped(await call(catalog.getRemoteStep, { id }))),
  }),
];
