import type { EndpointSpec, Method, Params, WrongValue } from '../endpoint.js';
import type { Refusal } from '../expectation.js';
import { exactly, id, integer, listOf, objectWith, oneOf, text } from '../shape.js';
import { stepOption, type World } from '../world.js';
import { DELETE, lost, refusal, TEXT_WRONG } from './common.js';

/* Templates: one resource under three addresses, each with its own documented failures. */

const step = objectWith({
  name: text,
  param_values: objectWith({}),
  retry: objectWith({ retry_times: integer, ignore_error: oneOf(true, false) }),
});
const row = objectWith({ id, name: text, desc: text, steps: listOf(step) });

const MALFORMED: WrongValue[] = [
  ...TEXT_WRONG,
  { what: 'steps that are text', change: { steps: 'create_vm' } },
  { what: 'a step that is text', change: { steps: ['create_vm'] } },
  { what: 'a step without a name', change: { steps: [{ param_values: {} }] } },
  { what: 'too many retries', change: { steps: [{ name: 'create_vm', retry: { retry_times: 101 } }] } },
  { what: 'less than no retries', change: { steps: [{ name: 'create_vm', retry: { retry_times: -1 } }] } },
  {
    what: 'a step with a field that is not known',
    change: { steps: [{ name: 'create_vm', ignore_errors: true }] },
    says: 'nearest known name is ignore_error',
  },
  {
    what: 'a retry option with a field that is not known',
    change: { steps: [{ name: 'create_vm', retry: { retry_time: 2 } }] },
    says: 'nearest known name is retry_times',
  },
  { what: 'no time for a step', change: { steps: [{ name: 'create_vm', timeout: 0 }] } },
  { what: 'more than a day for a step', change: { steps: [{ name: 'create_vm', timeout: 86_401 }] } },
  { what: 'too long a grace', change: { steps: [{ name: 'create_vm', stop_grace: 601 }] } },
  { what: 'a restart by a built-in step', change: { steps: [{ name: 'create_vm', reboot: true }] } },
  { what: 'a grace of a built-in step', change: { steps: [{ name: 'create_vm', stop_grace: 1 }] } },
  { what: 'a restart that is a text', change: { steps: [{ name: 'create_vm', reboot: 'maybe' }] } },
  { what: 'a wait for no restart', change: { steps: [{ name: 'create_vm', ready_wait: 5 }] } },
  {
    what: 'allowed secrets that are a list',
    change: { steps: [{ name: 'create_vm', allowed_secrets: ['a'] }] },
  },
  {
    what: 'allowed secrets without a list of names',
    change: { steps: [{ name: 'create_vm', allowed_secrets: { p: { a: true } } }] },
  },
  {
    what: 'allowed secrets of a built-in step',
    change: { steps: [{ name: 'create_vm', allowed_secrets: { vm_type_id: ['a'] } }] },
  },
  { what: 'a parameter value list', change: { steps: [{ name: 'create_vm', param_values: [1] }] } },
  {
    what: 'ignore_error that is text',
    change: { steps: [{ name: 'create_vm', retry: { ignore_error: 'maybe' } }] },
  },
];

async function newTemplate(world: World): Promise<Params> {
  const step = await world.shared('step', () => world.remoteStep());
  return { name: world.name('template'), desc: '缩容nginx服务', steps: [stepOption(step.name)] };
}

function create(endpoint: {
  id: string;
  methods: readonly Method[];
  path: string;
  refusal: Refusal;
  /** A step or a name that cannot be. */
  notFound: Refusal;
  descRequired: boolean;
}): EndpointSpec {
  const { methods, path, refusal, notFound } = endpoint;
  return {
    id: endpoint.id,
    methods,
    paths: [path],
    access: 'write',
    key: 'kept',
    params: {
      name: { kind: 'name', required: true },
      desc: endpoint.descRequired ? { kind: 'text', required: true } : { kind: 'text' },
      steps: { kind: 'structure', required: true },
    },
    valid: newTemplate,
    data: id,
    refusal,
    wrong: [
      ...MALFORMED,
      {
        what: 'a step that does not exist',
        change: { steps: [{ name: 'conf-nowhere' }] },
        refusal: notFound,
      },
      {
        what: 'a name that is taken',
        change: async (world) => ({ name: (await world.template()).name }),
        refusal: notFound,
      },
    ],
  };
}

function list(id: string, path: string, refusal: Refusal): EndpointSpec {
  return {
    id,
    methods: ['POST', 'GET'],
    paths: [path],
    access: 'read',
    valid: async () => ({}),
    data: listOf(row),
    paged: {
      order: 'newest first',
      filter: { param: 'name', field: 'name' },
      row: async (world) => {
        const { id, name } = await world.template();
        return { id, keyword: name };
      },
    },
    refusal,
  };
}

function remove(id: string, paths: readonly string[], missing: Refusal): EndpointSpec {
  return {
    id,
    methods: DELETE,
    paths,
    access: 'write',
    valid: async (world) => ({ id: (await world.template()).id }),
    data: exactly(null),
    refusal: missing,
    unknownId: missing,
    wrong: [
      {
        what: 'a template that a pool names',
        change: async (world) => {
          const { id } = await world.template();
          await world.pool({ tasks: { deploy: id } });
          return { id };
        },
        refusal: refusal(404, '', {}),
        says: /^template .* is used by pool .* to deploy \(id \d+\)/,
      },
    ],
  };
}

const gone = refusal(404, 'data not found', {});
const refused = refusal(404, 'error...', {});

export const templates: EndpointSpec[] = [
  create({
    id: 'task_impl.create',
    methods: ['POST', 'GET'],
    path: '/task/impl/create',
    refusal: refusal(400, 'json can not convert ', {}),
    notFound: refusal(404, 'step name not found', {}),
    descRequired: false,
  }),
  remove(
    'task_impl.delete',
    ['/task/impl/delete', '/task/impl/delete/:id'],
    refusal(404, 'task impl not found', {}),
  ),
  list('task_impl.list', '/task/impl/list', lost.list),
  create({
    id: 'task_tpl.create',
    methods: ['POST'],
    path: '/task_tpl/create',
    refusal: lost.object,
    notFound: lost.object,
    descRequired: true,
  }),
  list('task_tpl.list', '/task_tpl/list', lost.object),
  remove('task_tpl.delete', ['/task_tpl/delete/:id'], gone),
  {
    id: 'task_tpl.info',
    methods: ['POST', 'GET'],
    paths: ['/task_tpl/:id'],
    access: 'read',
    valid: async (world) => ({ id: (await world.shared('template', () => world.template())).id }),
    data: row,
    refusal: refused,
    unknownId: refused,
  },
  {
    id: 'task_tpl.update',
    methods: ['POST'],
    paths: ['/task_tpl/update/:id'],
    access: 'write',
    params: { name: { kind: 'name' }, desc: { kind: 'text' }, steps: { kind: 'structure' } },
    valid: async (world) => ({ ...(await newTemplate(world)), id: (await world.template()).id }),
    data: exactly(''),
    refusal: lost.object,
    unknownId: lost.object,
    empty: lost.object,
    wrong: [
      {
        what: 'a version that it does not have',
        change: { if_version: 999 },
        refusal: refusal(409, 'if_version is 999, but', {}),
      },
      ...MALFORMED,
      { what: 'a step that does not exist', change: { steps: [{ name: 'conf-nowhere' }] } },
      { what: 'a name that is taken', change: async (world) => ({ name: (await world.template()).name }) },
    ],
  },
  create({
    id: 'action_impl.create',
    methods: ['POST'],
    path: '/action/impl/create',
    refusal: lost.object,
    notFound: lost.object,
    descRequired: true,
  }),
  list('action_impl.list', '/action/impl/list', lost.object),
  remove('action_impl.delete', ['/action/impl/delete/:id', '/action/impl/delete'], gone),
];
