import { ActionImpl, catalog, Id } from '@rigel/contracts';
import { Type } from 'typebox';
import { done, listed } from '../answer/envelope.js';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import {
  DELETE_BY_POST,
  EmptyText,
  ID_WRONG,
  idOf,
  READ_BY_GET,
  READ_BY_POST,
  STORE_LOST,
} from './common.js';
import { IfVersion, stampedRow, withStampRow, withStampRows } from './stamps.js';

const Kind = Type.String({ description: 'Kind of implementation: ansible.' });
const Text = Type.Record(Type.String(), Type.Unknown(), {
  description: 'What is run: {action: {module: shell, args}} or {action: {module: longscript, content}}.',
});

function By(description: string) {
  return Type.Optional(Type.Enum(['impl', 'action'], { description }));
}

const example = {
  id: 1,
  action_id: 2,
  type: 'ansible',
  template: { action: { module: 'shell', args: 'systemctl start {{name}}' } },
};

export const ActionImplRow = stampedRow(ActionImpl);

export const actimpls: Endpoint[] = [
  defineEndpoint({
    id: 'actimpl.list',
    title: 'List implementations of actions, newest first',
    methods: READ_BY_GET,
    paths: ['/actimpl/list'],
    access: 'read',
    paged: true,
    params: Type.Object({}),
    failures: { otherwise: failure(400, STORE_LOST, []) },
    result: Type.Array(ActionImplRow),
    example: [example],
    handler: async (_input, { page, call }) =>
      listed(page, withStampRows(await call(catalog.listActionImpls, page))),
  }),
  defineEndpoint({
    id: 'actimpl.create',
    title: 'Create an implementation of an action',
    methods: ['POST'],
    paths: ['/actimpl/create'],
    access: 'write',
    role: 'admin',
    params: Type.Object({ type: Kind, action_id: idOf('action'), template: Text }),
    key: 'kept',
    failures: { otherwise: failure(400, STORE_LOST, {}) },
    result: Id,
    tellsNotes: true,
    example: 1,
    handler: async (input, { call }) => {
      const { id, notes } = await call(catalog.createActionImpl, input);
      return done(id, notes);
    },
  }),
  defineEndpoint({
    id: 'actimpl.update',
    title: 'Change an implementation',
    notes:
      'Fields that are absent stay as they are. Another action_id moves it to that action. An action that a remote step uses ' +
      'keeps something to run.',
    methods: ['POST'],
    paths: ['/actimpl/update/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('implementation, or of its action'),
      by: By(
        'What the id is. Absent: an action’s when action_id is the same number (its implementation is made when it has none, ' +
          'type and template given), else an implementation’s.',
      ),
      if_version: IfVersion,
      type: Type.Optional(Kind),
      action_id: Type.Optional(idOf('action')),
      template: Type.Optional(Text),
    }),
    changes: ['type', 'action_id', 'template'],
    failures: { otherwise: failure(400, STORE_LOST, null) },
    result: EmptyText,
    tellsNotes: true,
    example: '',
    handler: async (input, { call }) => {
      const { notes } = await call(catalog.updateActionImpl, input);
      return done('', notes);
    },
  }),
  defineEndpoint({
    id: 'actimpl.delete',
    title: 'Delete an implementation, unless a remote step would be left with an action that has none',
    methods: DELETE_BY_POST,
    paths: ['/actimpl/delete/:id'],
    access: 'write',
    role: 'admin',
    params: Type.Object({
      id: idOf('implementation, or of its action'),
      by: By('What the id is. Absent: an implementation’s.'),
      if_version: IfVersion,
    }),
    failures: { otherwise: failure(400, STORE_LOST, null) },
    result: EmptyText,
    example: '',
    handler: async (input, { call }) => {
      await call(catalog.deleteActionImpl, input);
      return done('');
    },
  }),
  defineEndpoint({
    id: 'actimpl.info',
    title: 'One implementation',
    methods: READ_BY_POST,
    paths: ['/actimpl/:id'],
    access: 'read',
    params: Type.Object({
      id: idOf('action, or of its implementation'),
      by: By('What the id is. Absent: an action’s; an implementation’s only when no action has it.'),
    }),
    failures: {
      otherwise: failure(400, ID_WRONG, {}),
      not_found: exactFailure(404, 'actimpl in db not found', {}),
    },
    result: ActionImplRow,
    example,
    handler: async (input, { call }) => done(withStampRow(await call(catalog.getActionImpl, input))),
  }),
];
