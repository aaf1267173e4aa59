import type { EndpointSpec } from '../endpoint.js';
import { exactly, id, listOf, objectWith, text } from '../shape.js';
import { shellTemplate } from '../world.js';
import { DELETE, exactRefusal, idWrong, lost, READ } from './common.js';

const row = objectWith({ id, action_id: id, type: text, template: objectWith({}) });
const wrong = [
  { what: 'an action that does not exist', change: { action_id: 2_147_483_005 } },
  { what: 'an action id that is no number', change: { action_id: 'start' } },
  { what: 'a template that is text', change: { template: 'echo' } },
  { what: 'a template without an action', change: { template: {} } },
  { what: 'an empty type', change: { type: '' } },
  {
    what: 'a template with a field that is not known',
    change: { template: { action: { module: 'shell', args: 'true', chdir: '/tmp' } } },
    says: 'chdir',
  },
];

export const actimpls: EndpointSpec[] = [
  {
    id: 'actimpl.list',
    methods: READ,
    paths: ['/actimpl/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(row),
    paged: {
      order: 'newest first',
      row: async (world) => ({ id: (await world.actimpl()).id, keyword: '' }),
    },
    refusal: lost.list,
  },
  {
    id: 'actimpl.create',
    methods: ['POST'],
    paths: ['/actimpl/create'],
    access: 'write',
    key: 'kept',
    params: {
      type: { kind: 'text', required: true },
      action_id: { kind: 'integer', required: true },
      template: { kind: 'structure', required: true },
    },
    valid: async (world) => ({
      type: 'ansible',
      action_id: (await world.action()).id,
      template: shellTemplate('which {{word}}'),
    }),
    data: id,
    refusal: lost.object,
    wrong: [
      ...wrong,
      {
        what: 'an action that has an implementation of this type',
        change: async (world) => ({ action_id: (await world.actimpl()).action_id }),
        says: /action/,
      },
    ],
  },
  {
    id: 'actimpl.update',
    methods: ['POST'],
    paths: ['/actimpl/update/:id'],
    access: 'write',
    params: { type: { kind: 'text' }, action_id: { kind: 'integer' }, template: { kind: 'structure' } },
    valid: async (world) => ({
      id: (await world.actimpl()).id,
      type: 'ansible',
      action_id: (await world.action()).id,
      template: shellTemplate('echo changed'),
    }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: lost.nothing,
    empty: lost.nothing,
    wrong: [
      ...wrong,
      {
        what: 'an action that has an implementation already',
        change: async (world) => ({ action_id: (await world.actimpl()).action_id }),
        says: /action/,
      },
      { what: 'an unknown way to read the id', change: { by: 'name' } },
    ],
  },
  {
    id: 'actimpl.delete',
    methods: DELETE,
    paths: ['/actimpl/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.actimpl()).id }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: lost.nothing,
    wrong: [
      { what: 'an unknown way to read the id', change: { by: 'name' } },
      {
        what: 'all that an action runs that a remote step uses',
        change: async (world) => {
          const action = await world.action();
          const { id } = await world.actimpl({ action_id: action.id });
          await world.remoteStep({ actions: [action.name] });
          return { id };
        },
        says: /used by remote step/,
      },
    ],
  },
  {
    id: 'actimpl.info',
    methods: ['POST', 'GET'],
    paths: ['/actimpl/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('actimpl', () => world.actimpl())).action_id }),
    data: row,
    refusal: idWrong,
    unknownId: exactRefusal(404, 'actimpl in db not found', {}),
  },
];
