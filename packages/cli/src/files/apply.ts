import { once, unwrap } from '@rigel/api-client';
import { commandErrorOf } from '../api/refusals.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import {
  DAYS,
  execTypeOf,
  type Fields,
  keyOf,
  type Node,
  POOL_TEMPLATES,
  type ScheduleItem,
  type TakenAlong,
  type TemplateStep,
} from './documents.js';
import { type Change, type Plan, sorted } from './plan.js';
import type { Present } from './present.js';
import { KINDS, type Kind } from './schema.js';
import { changeTitle } from './show-plan.js';

/*
 * Makes the changes of a plan, kind after kind. Each names the version that the plan was made from, so a change of
 * somebody else in between is never overwritten. What is done stays done: the same files can be applied again.
 */

/** Addresses are the first part of a path, and the names of fields that of the API. */
const PATHS: Record<Exclude<Kind, 'Schedule'>, string> = {
  Action: 'action',
  Step: 'remote_step',
  Template: 'task_tpl',
  Cluster: 'cluster',
  Service: 'service',
  Pool: 'pool',
};

/** Addresses in one request. */
const NODES_AT_ONCE = 10_000;
/** Requests of one group at once. */
const AT_ONCE = 8;
/** With more changes, progress is one line for so many. */
const EACH = 50;

/**
 * Carries out a plan in its order: what is named before what names it, deletions last. Stops at the first refusal.
 * @throws CommandError that says what is done, what was refused, and what is not done.
 */
export async function applyPlan(
  invocation: Invocation,
  plan: Plan,
  present: Present,
  set: string | undefined,
): Promise<void> {
  const groups = stepsOf(plan, new Applier(invocation, present, set));
  const all = groups.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  let refused: { title: string; error: unknown } | undefined;
  for (const group of groups) {
    const left = [...group];
    const work = async (): Promise<void> => {
      for (let step = left.shift(); step && !refused; step = left.shift()) {
        try {
          await step.run();
        } catch (error) {
          refused ??= { title: step.title, error };
          return;
        }
        done++;
        if (all <= EACH) invocation.note(step.title);
        else if (done % EACH === 0 || done === all) invocation.note(`${done} of ${all} changes are done`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (refused) break;
  }
  if (!refused) return;
  const { title, error } = refused;
  const known = commandErrorOf(error, invocation.settings.context);
  if (!known) throw error;
  throw new CommandError(`${title} was refused: ${known.message}`, known.status, {
    ...known.details,
    lines: [
      `${done} of ${all} changes are done and stay, ${all - done} are not done; rigel plan shows them, and the same files can be applied again`,
    ],
  });
}

interface Step {
  title: string;
  run: () => Promise<void>;
}

/**
 * Groups of steps, one after the other; the steps of a group do not depend on each other. A node leaves its pool before
 * it enters another one, so nodes are entered after all pools.
 */
function stepsOf({ changes }: Plan, applier: Applier): Step[][] {
  const step = (change: Change, run: () => Promise<void>, what = ''): Step => ({
    title: `${changeTitle(change)}${what}`,
    run,
  });
  const saved = changes.filter(({ do: what }) => what !== 'delete');
  const ofKind = (wanted: Kind) =>
    saved
      .filter(({ kind, fields, do: what }) => kind === wanted && (fields.length > 0 || what === 'create'))
      .map((change) => step(change, () => applier.save(change)));
  const moving = (what: 'enter' | 'remove' | 'label', words: string) =>
    saved.flatMap((change) => {
      const count = change.nodes?.[what].length ?? 0;
      if (count === 0) return [];
      const run = () => applier[MOVES[what]](change);
      return [step(change, run, `: ${count} nodes ${words}`)];
    });
  const deletions = (wanted: Kind) =>
    changes
      .filter(({ do: what, kind }) => what === 'delete' && kind === wanted)
      .map((change) => step(change, () => applier.remove(change)));
  return [
    ...KINDS.filter((kind) => kind !== 'Schedule').map(ofKind),
    moving('remove', 'removed'),
    moving('enter', 'entered'),
    moving('label', 'labelled'),
    ofKind('Schedule'),
    ...[...KINDS].reverse().map(deletions),
  ];
}

const MOVES = { enter: 'enterNodes', remove: 'removeNodes', label: 'labelNodes' } as const;

/** Saves things, and knows the ids of those that it has made. */
class Applier {
  private readonly ids: Map<string, number>;

  constructor(
    private readonly invocation: Invocation,
    private readonly present: Present,
    private readonly set: string | undefined,
  ) {
    this.ids = new Map([...present.things].map(([key, { id }]) => [key, id]));
  }

  private idOf(kind: Kind, name: string): number {
    const id = this.ids.get(keyOf({ kind, name }));
    if (id === undefined) throw new CommandError(`there is no ${kind.toLowerCase()} ${name}`, EXIT.notFound);
    return id;
  }

  private post<Answer>(path: string, body: object, params: object = {}): Promise<Answer> {
    const { api } = this.invocation;
    return unwrap((api().POST as CallableFunction)(path, { params, body, ...once() }));
  }

  /** Creates or changes a thing; not the nodes of a pool. */
  async save(change: Change): Promise<void> {
    const { kind, name, thing } = change;
    if (kind === 'Schedule') return this.saveSchedule(change);
    const fields: Fields = Object.fromEntries(change.fields.map(({ field, after }) => [field, after]));
    const body = this.bodyOf(kind, { ...(change.do === 'create' ? DEFAULTS[kind] : {}), ...fields }, change);
    let version = thing?.version ?? 1;
    if (change.do === 'create') {
      const set = this.set === undefined ? {} : { managed_by: this.set };
      const made = await this.post<number | { id: number }>(`/${PATHS[kind]}/create`, {
        name,
        ...body,
        ...set,
      });
      this.ids.set(keyOf(change), typeof made === 'number' ? made : made.id);
    } else if (Object.keys(body).length > 0) {
      const path = { path: { id: this.idOf(kind, name) } };
      await this.post(`/${PATHS[kind]}/update/{id}`, { name, ...body, ...ifVersion(version) }, path);
      version++;
    }
    if (kind === 'Action') await this.saveCommand(change, fields);
    if (kind === 'Pool' && typeof fields.protected === 'boolean' && (thing || fields.protected)) {
      const path = { path: { id: this.idOf(kind, name) } };
      await this.post('/pool/protect/{id}', { protected: fields.protected, ...ifVersion(version) }, path);
    }
  }

  /** The fields as the API names them. */
  private bodyOf(kind: Exclude<Kind, 'Schedule'>, fields: Fields, { thing }: Change): object {
    const { desc } = fields;
    const own = desc === undefined ? {} : { desc };
    const given = (names: Record<string, string>): object =>
      Object.fromEntries(
        Object.entries(names).flatMap(([field, name]) =>
          fields[field] === undefined ? [] : [[name, fields[field]]],
        ),
      );
    switch (kind) {
      case 'Action':
        return { ...own, ...given({ params: 'params' }) };
      case 'Step':
        return { ...own, ...given({ actions: 'actions' }) };
      case 'Template':
        return {
          ...own,
          ...(fields.steps === undefined ? {} : { steps: (fields.steps as TemplateStep[]).map(apiStep) }),
        };
      case 'Cluster':
        return { ...own, ...given({ biz: 'biz' }) };
      case 'Service':
        return {
          ...own,
          ...given({ type: 'service_type', image: 'docker_image' }),
          ...(fields.cluster === undefined
            ? {}
            : { cluster_id: this.idOf('Cluster', String(fields.cluster)) }),
        };
      case 'Pool': {
        const uses = POOL_TEMPLATES.filter((use) => fields[`templates.${use}`] !== undefined);
        // The API takes all templates of a pool at once: those that no document names stay.
        const tasks = Object.fromEntries(
          POOL_TEMPLATES.map((use) => {
            const field = `templates.${use}`;
            const template = uses.includes(use) ? fields[field] : thing?.fields[field];
            return [use, typeof template === 'string' ? this.idOf('Template', template) : 0];
          }),
        );
        return {
          ...own,
          ...given({ vm_type: 'vm_type', sd: 'sd_id', labels: 'labels' }),
          ...(fields.service === undefined
            ? {}
            : { service_id: this.idOf('Service', String(fields.service)) }),
          ...(uses.length > 0 || !thing ? { tasks } : {}),
        };
      }
    }
  }

  private async saveCommand({ name, thing }: Change, { shell, script }: Fields): Promise<void> {
    const action =
      typeof shell === 'string'
        ? { module: 'shell', args: shell }
        : typeof script === 'string'
          ? { module: 'longscript', content: script }
          : undefined;
    if (!action) return;
    const impl = thing?.implementation;
    const template = { action };
    if (impl)
      await this.post(
        '/actimpl/update/{id}',
        { by: 'impl', template, ...ifVersion(impl.version) },
        { path: { id: impl.id } },
      );
    else
      await this.post('/actimpl/create', { type: 'ansible', action_id: this.idOf('Action', name), template });
  }

  private async saveSchedule({ name, fields, thing }: Change): Promise<void> {
    const at = name.lastIndexOf(' ');
    const whole: Fields = {
      time_zone: '',
      items: [],
      takes_along: [],
      ...thing?.fields,
      ...Object.fromEntries(fields.map(({ field, after }) => [field, after])),
    };
    const items = whole.items as ScheduleItem[];
    await this.saveItems(
      name.slice(0, at),
      name.slice(at + 1),
      whole,
      items,
      thing?.version ?? this.present.emptied.get(name) ?? 0,
    );
  }

  private async saveItems(
    pool: string,
    type: string,
    fields: Fields,
    items: readonly ScheduleItem[],
    version: number,
  ): Promise<void> {
    await this.post('/task/saveTask', {
      ...scheduleBody(this.idOf('Pool', pool), type, fields, items, (name) => this.idOf('Pool', name)),
      if_version: version,
    });
  }

  /** Nodes with the same labels are entered together; labels of the pool that a node does not have go at once. */
  async enterNodes({ name, nodes }: Change): Promise<void> {
    const path = { path: { id: this.idOf('Pool', name) } };
    for (const [written, addresses] of sameLabels(nodes?.enter ?? [])) {
      const labels = JSON.parse(written) as Record<string, string | null>;
      const given = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== null));
      const remove = Object.keys(labels).filter((key) => labels[key] === null);
      for (const part of partsOf(addresses)) {
        const own = Object.keys(given).length > 0 ? { labels: given } : {};
        await this.post('/pool/{id}/add_nodes', { nodes: part, ...own }, path);
        if (remove.length > 0) await this.post('/node/label', { nodes: part, remove });
      }
    }
  }

  async labelNodes({ nodes }: Change): Promise<void> {
    const changes = new Map<string, string[]>();
    for (const { address, set, remove } of nodes?.label ?? []) {
      const key = JSON.stringify({ set: sorted(set), remove: [...remove].sort() });
      changes.set(key, [...(changes.get(key) ?? []), address]);
    }
    for (const [change, addresses] of changes)
      for (const part of partsOf(addresses))
        await this.post('/node/label', { nodes: part, ...(JSON.parse(change) as object) });
  }

  async removeNodes({ name, nodes }: Change): Promise<void> {
    const path = { path: { id: this.idOf('Pool', name) } };
    for (const part of partsOf(nodes?.remove ?? []))
      await this.post('/pool/{id}/remove_nodes', { nodes: part, confirm: name }, path);
  }

  async remove({ kind, name, thing }: Change): Promise<void> {
    if (kind === 'Schedule') {
      const at = name.lastIndexOf(' ');
      const empty = { time_zone: thing?.fields.time_zone, exec_type: 'depend', takes_along: [] };
      return this.saveItems(name.slice(0, at), name.slice(at + 1), empty, [], thing?.version ?? 0);
    }
    const { api } = this.invocation;
    await unwrap(
      (api().DELETE as CallableFunction)(`/${PATHS[kind]}/delete/{id}`, {
        params: { path: { id: this.idOf(kind, name) }, query: ifVersion(thing?.version ?? 0) },
        ...once(),
      }),
    );
  }
}

/** Addresses by their labels as JSON. */
function sameLabels(nodes: readonly Node[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { address, labels = {} } of nodes) {
    const key = JSON.stringify(sorted(labels));
    const group = groups.get(key);
    if (group) group.push(address);
    else groups.set(key, [address]);
  }
  return groups;
}

/** What a new thing has that its document does not name. */
const DEFAULTS: Record<Exclude<Kind, 'Schedule'>, Fields> = {
  Action: { desc: '', params: {} },
  Step: { desc: '', actions: [] },
  Template: { desc: '', steps: [] },
  Cluster: { desc: '', biz: '' },
  Service: { desc: '', type: '', image: '-' },
  Pool: { desc: '', vm_type: 0, sd: 0 },
};

const ifVersion = (version: number): { if_version?: number } =>
  version === 0 ? {} : { if_version: version };

function partsOf(addresses: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < addresses.length; at += NODES_AT_ONCE)
    parts.push(addresses.slice(at, at + NODES_AT_ONCE));
  return parts;
}

function apiStep({ step, params, retries, ignore_error, ...limits }: TemplateStep) {
  return { name: step, param_values: params, retry: { retry_times: retries, ignore_error }, ...limits };
}

/** A schedule as the API takes it. */
export function scheduleBody(
  pool_id: number,
  type: string,
  fields: Fields,
  items: readonly ScheduleItem[],
  poolId: (name: string) => number,
) {
  return {
    id: 0,
    pool_id,
    type: type === 'expand' ? 'expand' : 'upload',
    exec_type: String(fields.exec_type ?? execTypeOf(items)),
    time_zone: String(fields.time_zone ?? ''),
    cron_itmes: items.map(({ at, day, nodes, percent, at_once, ignore }) => ({
      time: at,
      week_day: (DAYS as readonly string[]).indexOf(day),
      instance_num: nodes,
      concurr_ratio: percent,
      concurr_num: at_once,
      ignore,
    })),
    depend_itmes: (fields.takes_along as TakenAlong[]).map(({ pool, ratio, spare, after_step, ignore }) => ({
      pool_id: poolId(pool),
      ratio,
      elastic_count: spare,
      step_name: after_step,
      ignore,
    })),
  };
}

/** Marks things as belonging to a set. */
export async function adopt(
  invocation: Invocation,
  { kind, name, id, version }: { kind: Kind; name: string; id: number; version: number },
  set: string,
): Promise<void> {
  if (kind === 'Schedule') return;
  await unwrap(
    (invocation.api().POST as CallableFunction)(`/${PATHS[kind]}/update/{id}`, {
      params: { path: { id } },
      body: { name, managed_by: set, ...ifVersion(version) },
      ...once(),
    }),
  );
}
