import type { EndpointSpec } from '../endpoint.js';
import { exactly, id, listOf, mapOf, objectWith, oneOf, text } from '../shape.js';
import { DELETE, exactRefusal, lost, READ, refusal, TEXT_WRONG } from './common.js';

const actionRow = objectWith({ id, name: text, desc: text, params: mapOf(oneOf('string', 'integer')) });
const storeLost = refusal(404, 'db server lost...', null);
const badInput = refusal(400, '', null);
const missing = exactRefusal(404, 'action in db not found', {});

const wrong = [
  ...TEXT_WRONG,
  { what: 'a parameter of an unknown type', change: { params: { a: 'float' } } },
  { what: 'a parameter whose name is not ASCII', change: { params: { 端口: 'integer' } } },
  { what: 'parameters that are a list', change: { params: ['a'] } },
];

export const actions: EndpointSpec[] = [
  {
    id: 'action.list',
    methods: READ,
    paths: ['/action/list'],
    access: 'read',
    valid: async () => ({}),
    data: listOf(actionRow),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.action();
        return { id, keyword: name };
      },
    },
    refusal: lost.list,
  },
  {
    id: 'action.create',
    methods: ['POST'],
    paths: ['/action/create'],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      desc: { kind: 'text', required: true },
      params: { kind: 'structure', required: true },
    },
    valid: async (world) => ({
      name: world.name('action'),
      desc: '检查端口',
      params: { check_port: 'integer', check_times: 'integer', host: 'string' },
    }),
    data: id,
    refusal: lost.object,
    wrong: [
      ...wrong,
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.action()).name }) },
    ],
  },
  {
    id: 'action.update',
    methods: ['POST'],
    paths: ['/action/update/:id'],
    access: 'write',
    params: { name: { kind: 'name' }, desc: { kind: 'text' }, params: { kind: 'structure' } },
    valid: async (world) => ({
      id: (await world.action()).id,
      name: world.name('action'),
      desc: 'changed',
      params: {},
    }),
    data: exactly(''),
    refusal: badInput,
    unknownId: storeLost,
    empty: badInput,
    wrong: [
      {
        what: 'a version that it does not have',
        change: { if_version: 999 },
        refusal: refusal(409, 'if_version is 999, but', {}),
      },
      ...wrong,
      {
        what: 'another name of an action that a remote step uses',
        change: async (world) => {
          const action = await world.action();
          await world.remoteStep({ actions: [action.name] });
          return { id: action.id, name: world.name('action') };
        },
        refusal: storeLost,
        says: 'used by',
      },
    ],
  },
  {
    id: 'action.delete',
    methods: DELETE,
    paths: ['/action/delete/:id'],
    access: 'write',
    valid: async (world) => ({ id: (await world.action()).id }),
    data: exactly(''),
    refusal: storeLost,
    unknownId: storeLost,
    wrong: [
      {
        what: 'an action that a remote step uses',
        change: async (world) => {
          const action = await world.action();
          await world.remoteStep({ actions: [action.name] });
          return { id: action.id };
        },
        says: 'used by',
      },
    ],
  },
  {
    id: 'action.info',
    methods: ['POST', 'GET'],
    paths: ['/action/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('action', () => world.action())).id }),
    data: actionRow,
    refusal: refusal(404, 'action in db not found', {}),
    unknownId: missing,
  },
];
