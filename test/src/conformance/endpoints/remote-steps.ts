import type { EndpointSpec } from '../endpoint.js';
import { exactly, id, listOf, objectWith, oneOf, text } from '../shape.js';
import { stepOption } from '../world.js';
import { DELETE, exactRefusal, idWrong, lost, READ, refusal, TEXT_WRONG } from './common.js';

const row = objectWith({ id, name: text, desc: text, actions: listOf(text), action: listOf(text) });
const failed = refusal(404, '', null);
const wrong = [
  ...TEXT_WRONG,
  { what: 'the name of a built-in step', change: { name: 'create_vm' }, says: 'built-in' },
  { what: 'actions that are text', change: { actions: 'stop,start' } },
  { what: 'an action that is an object', change: { actions: [{}] } },
  { what: 'an action without a name', change: { actions: [''] } },
];

export const remoteSteps: EndpointSpec[] = [
  {
    id: 'remote_step.list',
    methods: READ,
    paths: ['/remote_step/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(row),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.remoteStep();
        return { id, keyword: name };
      },
    },
    refusal: lost.list,
  },
  {
    id: 'remote_step.create',
    methods: ['POST'],
    paths: ['/remote_step/create'],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      desc: { kind: 'text', required: true },
      actions: { kind: 'structure', required: true },
    },
    spellings: { actions: 'action' },
    valid: async (world) => ({ name: world.name('step'), desc: 'Step', actions: ['action1', 'action2'] }),
    data: id,
    refusal: lost.object,
    wrong: [
      ...wrong,
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.remoteStep()).name }) },
    ],
  },
  {
    id: 'remote_step.update',
    methods: ['POST'],
    paths: ['/remote_step/update/:id'],
    access: 'write',
    params: { name: { kind: 'name' }, desc: { kind: 'text' }, actions: { kind: 'structure' } },
    spellings: { actions: 'action' },
    valid: async (world) => ({
      id: (await world.remoteStep()).id,
      name: world.name('step'),
      desc: 'changed',
      actions: ['action1', 'action2', 'action3'],
    }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: failed,
    empty: lost.nothing,
    wrong: [
      ...wrong,
      {
        what: 'another name of a step that a template uses',
        change: async (world) => {
          const step = await world.remoteStep();
          await world.template({ steps: [stepOption(step.name)] });
          return { id: step.id, name: world.name('step') };
        },
        refusal: failed,
        says: 'used by',
      },
    ],
  },
  {
    id: 'remote_step.delete',
    methods: DELETE,
    paths: ['/remote_step/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.remoteStep()).id }),
    data: exactly(''),
    refusal: lost.nothing,
    unknownId: failed,
    wrong: [
      {
        what: 'a step that a template uses',
        change: async (world) => {
          const step = await world.remoteStep();
          await world.template({ steps: [stepOption(step.name)] });
          return { id: step.id };
        },
        refusal: failed,
        says: 'used by',
      },
    ],
  },
  {
    id: 'remote_step.info',
    methods: ['POST', 'GET'],
    paths: ['/remote_step/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('step', () => world.remoteStep())).id }),
    data: row,
    refusal: idWrong,
    unknownId: exactRefusal(404, 'remote_step in db not found', {}),
  },
  {
    id: 'task_step.list',
    methods: ['POST', 'GET'],
    paths: ['/task_step/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(
      objectWith({ id, name: text, desc: text, type: oneOf('vm', 'sd', 'remote'), params: objectWith({}) }),
    ),
    paged: {
      order: 'oldest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.remoteStep();
        // The four built-in steps stand before the remote ones.
        return { id: id + 4, keyword: name };
      },
    },
    refusal: lost.list,
  },
];
