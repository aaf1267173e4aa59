import { idOf } from '../api/names.js';
import { command, type Flags, type Values } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import type { FieldChange } from '../plan/change.js';
import {
  createThing,
  DESC_FLAG,
  NAME_FLAG,
  type Thing,
  thingNamed,
  updateThing,
  type Wanted,
} from './change-things.js';
import { readLabels } from './selection.js';
import { readValue } from './values.js';

const CLUSTER_FLAGS = {
  desc: DESC_FLAG,
  biz: { type: 'text', value: '<text>', help: { en: 'product line', zh: '产品线' } },
} as const satisfies Flags;

const SERVICE_FLAGS = {
  desc: DESC_FLAG,
  cluster: {
    type: 'text',
    value: '<cluster>',
    help: { en: 'cluster that it belongs to', zh: '所属集群' },
  },
  type: {
    type: 'text',
    value: '<type>',
    help: { en: 'kind of service, for example Java', zh: '服务类型，例如 Java' },
  },
  image: { type: 'text', value: '<image>', help: { en: 'image; - means none', zh: '镜像；- 表示无' } },
} as const satisfies Flags;

const POOL_FLAGS = {
  desc: DESC_FLAG,
  service: {
    type: 'text',
    value: '<service>',
    help: { en: 'service that it belongs to', zh: '所属服务' },
  },
  'vm-type': {
    type: 'number',
    value: '<n>',
    help: { en: 'VM template of new machines', zh: '新机器的虚拟机模板' },
  },
  sd: { type: 'number', value: '<n>', help: { en: 'service-discovery entry', zh: '服务发现条目' } },
  'expand-template': {
    type: 'text',
    value: '<template|none>',
    help: { en: 'template that adds machines', zh: '扩容模板' },
  },
  'shrink-template': {
    type: 'text',
    value: '<template|none>',
    help: { en: 'template that gives machines back', zh: '缩容模板' },
  },
  'deploy-template': {
    type: 'text',
    value: '<template|none>',
    help: { en: 'template that deploys an image', zh: '上线模板' },
  },
  label: {
    type: 'texts',
    value: '<key=value>',
    help: { en: 'a label of nodes that enter from now on', zh: '今后加入的节点的标签' },
  },
} as const satisfies Flags;

const DROP_LABEL = {
  type: 'texts',
  value: '<key>',
  help: { en: 'a label that it gives no more', zh: '不再赋予的标签' },
} as const;

const textOf = async (invocation: Invocation, text: string | undefined): Promise<string | undefined> =>
  text === undefined ? undefined : readValue(invocation, text);

/** Fields that were given: an absent flag leaves its field as it is. */
const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

async function clusterBody(
  invocation: Invocation,
  flags: Values<typeof CLUSTER_FLAGS>,
): Promise<Record<string, unknown>> {
  return given({ desc: await textOf(invocation, flags.desc), biz: flags.biz });
}

async function serviceBody(
  invocation: Invocation,
  flags: Values<typeof SERVICE_FLAGS>,
): Promise<Record<string, unknown>> {
  return given({
    desc: await textOf(invocation, flags.desc),
    service_type: flags.type,
    docker_image: flags.image,
    cluster_id: flags.cluster === undefined ? undefined : await idOf(invocation, 'cluster', flags.cluster),
  });
}

const OPERATIONS = ['expand', 'shrink', 'deploy'] as const;

/** Labels of a pool with those that are set and without those that are dropped; undefined: they stay. */
function labelsOf(
  thing: Thing | undefined,
  set: readonly string[],
  dropped: readonly string[],
): Record<string, string> | undefined {
  if (set.length + dropped.length === 0) return undefined;
  const labels = { ...(thing?.labels as Record<string, string> | undefined), ...readLabels(set) };
  for (const key of dropped) {
    if (!Object.hasOwn(labels, key))
      throw new CommandError(`--drop-label ${key}: the pool gives no such label`);
    delete labels[key];
  }
  return labels;
}

/** Templates are named by their names, and sent as ids; 0: none. */
async function poolBody(
  invocation: Invocation,
  flags: Values<typeof POOL_FLAGS>,
  thing: Thing | undefined,
  dropped: readonly string[] = [],
): Promise<Wanted> {
  const before = (thing?.tasks ?? {}) as Record<string, number>;
  const tasks: Record<string, number> = {};
  const shown: FieldChange[] = [];
  for (const operation of OPERATIONS) {
    const text = flags[`${operation}-template`];
    if (text === undefined) continue;
    const id = text === 'none' ? 0 : await idOf(invocation, 'template', text);
    tasks[operation] = id;
    const old = before[operation] ?? 0;
    if (thing && old === id) continue;
    shown.push({
      field: `${operation} template`,
      ...(thing ? { before: old === 0 ? 'none' : `template/${old}` } : {}),
      after: id === 0 ? 'none' : `template/${id}`,
    });
  }
  const body = given({
    desc: await textOf(invocation, flags.desc),
    vm_type: flags['vm-type'],
    sd_id: flags.sd,
    service_id: flags.service === undefined ? undefined : await idOf(invocation, 'service', flags.service),
    labels: labelsOf(thing, flags.label, dropped),
    tasks: Object.keys(tasks).length === 0 ? undefined : { ...before, ...tasks },
  });
  return { body, shown, hidden: ['tasks'] };
}

function needs(what: string, flags: Record<string, unknown>, ...names: string[]): void {
  const missing = names.filter((name) => flags[name] === undefined);
  if (missing.length > 0)
    throw new CommandError(
      `${what} needs ${missing.map((name) => `--${name}`).join(' and ')}: rigel help ${what}`,
    );
}

const newName = [{ name: 'name' }] as const;

/** Commands that make and change clusters, services and pools. */
export const inventoryChanges = [
  command({
    name: 'cluster create',
    help: { en: 'Make a cluster', zh: '创建集群' },
    args: newName,
    flags: CLUSTER_FLAGS,
    run: async (invocation, [name = ''], flags) => {
      const body = { desc: '', ...(await clusterBody(invocation, flags)) };
      await createThing(invocation, 'cluster', name, { body });
    },
  }),
  command({
    name: 'cluster update',
    help: { en: 'Change a cluster', zh: '修改集群' },
    args: [{ name: 'cluster', kind: 'cluster' }],
    flags: { name: NAME_FLAG, ...CLUSTER_FLAGS },
    run: async (invocation, [text = ''], flags) => {
      const body = { ...given({ name: flags.name }), ...(await clusterBody(invocation, flags)) };
      await updateThing(invocation, 'cluster', await thingNamed(invocation, 'cluster', text), { body });
    },
  }),
  command({
    name: 'service create',
    help: { en: 'Make a service in a cluster', zh: '在集群中创建服务' },
    args: newName,
    flags: SERVICE_FLAGS,
    run: async (invocation, [name = ''], flags) => {
      needs('service create', flags, 'cluster');
      const body = {
        desc: '',
        service_type: '',
        docker_image: '-',
        ...(await serviceBody(invocation, flags)),
      };
      await createThing(invocation, 'service', name, { body });
    },
  }),
  command({
    name: 'service update',
    help: { en: 'Change a service', zh: '修改服务' },
    args: [{ name: 'service', kind: 'service' }],
    flags: { name: NAME_FLAG, ...SERVICE_FLAGS },
    run: async (invocation, [text = ''], flags) => {
      const body = { ...given({ name: flags.name }), ...(await serviceBody(invocation, flags)) };
      await updateThing(invocation, 'service', await thingNamed(invocation, 'service', text), { body });
    },
  }),
  command({
    name: 'pool create',
    help: { en: 'Make a pool of a service', zh: '为服务创建服务池' },
    args: newName,
    flags: POOL_FLAGS,
    run: async (invocation, [name = ''], flags) => {
      needs('pool create', flags, 'service');
      const wanted = await poolBody(invocation, flags, undefined);
      await createThing(invocation, 'pool', name, {
        ...wanted,
        body: { desc: '', vm_type: 1, sd_id: 1, ...wanted.body },
      });
    },
  }),
  command({
    name: 'pool update',
    help: { en: 'Change a pool', zh: '修改服务池' },
    args: [{ name: 'pool', kind: 'pool' }],
    flags: { name: NAME_FLAG, ...POOL_FLAGS, 'drop-label': DROP_LABEL },
    run: async (invocation, [text = ''], flags) => {
      const thing = await thingNamed(invocation, 'pool', text);
      const wanted = await poolBody(invocation, flags, thing, flags['drop-label']);
      await updateThing(invocation, 'pool', thing, {
        ...wanted,
        body: { ...given({ name: flags.name }), ...wanted.body },
      });
    },
  }),
];
