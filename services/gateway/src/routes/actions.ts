import { Action, catalog, Id } from '@rigel/contracts';
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
  idOf,
  Name,
  READ_BY_GET,
  READ_BY_POST,
  STORE_LOST,
} from './common.js';
import { IfVersion, ManagedBy, managedStampedRow, withStampRow, withStampRows } from './stamps.js';

const Params = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Names of parameters, each with its type: string or integer.',
});
const example = {
  id: 2,
  name: 'start',
  desc: 'starts the program',
  params: { tag: 'string', port: 'integer' },
};

export const ActionRow = managedStampedRow(Action);

export const actions: Endpoint[] = [
  defineEndpoint({
    id: 'action.list',
    title: 'List actions, newest first',
    methods: READ_BY_GET,
    paths: ['/action/list'],
    access: 'read',
    paged: true,
    params: Type.Object({ name: filter('name') }),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(ActionRow),
    example: [example],
    handler: async ({ name }, { page, call }) =>
      listed(page, withStampRows(await call(catalog.listActions, { ...page, name: filterOf(name) }))),
  }),
  defineEndpoint({
    id: 'action.create',
    title: 'Create an action',
    methods: ['POST'],
    paths: ['/action/create'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ name: Name, desc: Desc, params: Params, managed_by: Type.Optional(ManagedBy) }),
    key: 'kept',
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Id,
    example: 1,
    handler: async (input, { call }) => done((await call(catalog.createAction, input)).id),
  }),
  defineEndpoint({
    id: 'action.update',
    title: 'Change an action',
    notes: 'Fields that are absent stay as they are. The name stays while a remote step uses the action.',
    methods: ['POST'],
    paths: ['/action/update/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('action'),
      if_version: IfVersion,
      name: Type.Optional(Name),
      desc: Type.Optional(Desc),
      params: Type.Optional(Params),
      managed_by: Type.Optional(ManagedBy),
    }),
    changes: ['name', 'desc', 'params', 'managed_by'],
    failures: {
      otherwise: failure(400, '', null),
      not_found: failure(404, STORE_LOST, null),
      in_use: failure(404, STORE_LOST, null),
      unavailable: failure(404, STORE_LOST, null),
    },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(catalog.updateAction, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'action.delete',
    title: 'Delete an action that no remote step uses, and its implementations',
    methods: DELETE_BY_POST,
    paths: ['/action/delete/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ id: idOf('action'), if_version: IfVersion }),
    failures: { otherwise: failure(404, STORE_LOST, null), conflict: failure(400, '', null) },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(catalog.deleteAction, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'action.info',
    title: 'One action',
    methods: READ_BY_POST,
    paths: ['/action/:id'],
    access: 'read',
    params: Type.Object({ id: idOf('action') }),
    failures: {
      otherwise: failure(404, 'action in db not found', {}),
      not_found: exactFailure(404, 'action in db not found', {}),
    },
    result: ActionRow,
    example,
    handler: async ({ id }, { call }) => done(withStampRow(await call(catalog.getAction, { id }))),
  }),
];
