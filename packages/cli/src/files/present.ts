import { type ExportedSchedule, type FleetExport, unwrap } from '@rigel/api-client';
import { plainLines } from '@rigel/command-template';
import type { Invocation } from '../command/invocation.js';
import { DAYS, type Fields, keyOf, type Node, POOL_TEMPLATES, templateStep } from './documents.js';
import { shown } from './mistakes.js';
import { KINDS, type Kind } from './schema.js';

/*
 * What the system has, in the form of documents. `GET /export` reads it at once, with the version of each thing.
 */

export interface Thing {
  kind: Kind;
  name: string;
  /** All fields, those with default values too. */
  fields: Fields;
  id: number;
  /** For `if_version`; 0: there is none yet. */
  version: number;
  /** The set of files that it belongs to; empty: none. */
  set: string;
  /** Of an action: its implementation. */
  implementation?: { id: number; version: number };
  /** Of a pool: all of its nodes, and whether machines are among them. */
  nodes?: number;
  /** Who changed it last, and when; for messages. */
  by: string;
}

/** What a system has. */
export interface Present {
  things: Map<string, Thing>;
  /** Versions of schedules without items, by their names: for files they are none. */
  emptied: Map<string, number>;
  /** What documents cannot say, for people. */
  unsaid: string[];
}

/** Reads the system once. @param withNodes the addresses too: a fleet has a hundred thousand. */
export async function readPresent({ api }: Invocation, withNodes: boolean): Promise<Present> {
  const kinds = ['action', 'step', 'template', 'cluster', 'service', 'pool', 'schedule'];
  const query = { kinds: [...kinds, ...(withNodes ? ['node'] : [])].join(',') };
  return presentOf(await unwrap(api().GET('/export', { params: { query } })), withNodes);
}

interface Row {
  id: number;
  name: string;
  version?: number;
  managed_by?: string;
  updated_by?: string;
  updated_at?: string;
}

/** The export as documents. */
export function presentOf(read: FleetExport, withNodes: boolean): Present {
  const things = new Map<string, Thing>();
  const unsaid: string[] = [];
  const emptied = new Map<string, number>();
  const add = (kind: Kind, row: Row, fields: Fields, more: Partial<Thing> = {}): void => {
    const { id, name, version = 0, managed_by: set = '', updated_by, updated_at } = row;
    const by = updated_by === undefined ? '' : `${updated_by} ${updated_at ?? ''}`;
    things.set(keyOf({ kind, name }), { kind, name, fields, id, version, set, by, ...more });
  };
  const nameOf = (rows: readonly Row[]) => new Map(rows.map(({ id, name }) => [id, name]));

  const impls = new Map<number, FleetExport['implementations']>();
  for (const impl of read.implementations)
    impls.set(impl.action_id, [...(impls.get(impl.action_id) ?? []), impl]);
  for (const { params, desc, ...row } of read.actions) {
    const own = impls.get(row.id) ?? [];
    const impl = own.find(({ type }) => type === 'ansible');
    for (const { type } of own)
      if (type !== 'ansible') unsaid.push(`action ${row.name} has an implementation of type ${shown(type)}`);
    const command = impl && commandOf(impl.template);
    if (impl && !command) unsaid.push(`the command of action ${row.name} has a form of its own`);
    add(
      'Action',
      row,
      { desc, params, shell: null, script: null, ...command },
      impl ? { implementation: { id: impl.id, version: impl.version ?? 0 } } : {},
    );
  }
  for (const { desc, actions, ...row } of read.steps) add('Step', row, { desc, actions });
  for (const { desc, steps, ...row } of read.templates)
    add('Template', row, { desc, steps: steps.map(stepOf) });
  for (const { desc, biz, ...row } of read.clusters) add('Cluster', row, { desc, biz });
  const clusters = nameOf(read.clusters);
  for (const { desc, cluster_id, service_type: type, docker_image: image, ...row } of read.services)
    add('Service', row, { desc, cluster: clusters.get(cluster_id), type, image });
  const services = nameOf(read.services);
  const templates = nameOf(read.templates);
  const nodes = new Map<number, Node[]>();
  for (const { pool_id, labels, ips } of read.nodes)
    for (const address of ips) {
      const own = nodes.get(pool_id);
      if (own) own.push({ address, labels });
      else nodes.set(pool_id, [{ address, labels }]);
    }
  for (const {
    desc,
    service_id,
    vm_type,
    sd_id: sd,
    tasks,
    protected: guarded,
    labels = {},
    node_count,
    ...row
  } of read.pools) {
    const uses = POOL_TEMPLATES.map((use) => {
      const id = tasks[use];
      if (id !== 0 && !templates.has(id))
        unsaid.push(`pool ${row.name} names the template ${id} to ${use}, which does not exist`);
      return [`templates.${use}`, templates.get(id) ?? null] as const;
    });
    add(
      'Pool',
      row,
      {
        desc,
        service: services.get(service_id),
        vm_type,
        sd,
        ...Object.fromEntries(uses),
        protected: guarded ?? false,
        labels,
        ...(withNodes ? { nodes: byAddress(nodes.get(row.id) ?? []) } : {}),
      },
      { nodes: node_count },
    );
  }
  const pools = nameOf(read.pools);
  for (const schedule of read.schedules) addSchedule(schedule, pools, add, unsaid, emptied);
  return { things, emptied, unsaid };
}

/** Things in the order in which they are applied, those of a kind by their names. */
export function inOrder<T extends { kind: Kind; name: string }>(things: Iterable<T>): T[] {
  return [...things].sort(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

const byAddress = (nodes: readonly Node[]): Node[] =>
  [...nodes].sort((a, b) => (a.address < b.address ? -1 : 1));

function commandOf(template: Record<string, unknown>): { shell?: string; script?: string } | undefined {
  const { module, args, content } = (template.action ?? {}) as Record<string, unknown>;
  if (module === 'shell' && typeof args === 'string') return { shell: plainLines(args) };
  if (module === 'longscript' && typeof content === 'string') return { script: plainLines(content) };
  return undefined;
}

type StepRow = FleetExport['templates'][number]['steps'][number];

function stepOf({ name, param_values, retry, ...limits }: StepRow) {
  const { timeout, stop_grace, reboot, ready_wait, allowed_secrets } = limits;
  return templateStep({
    step: name,
    params: param_values,
    retries: retry.retry_times,
    ignore_error: retry.ignore_error,
    ...(timeout === undefined ? {} : { timeout }),
    ...(stop_grace === undefined ? {} : { stop_grace }),
    ...(reboot ? { reboot: true as const } : {}),
    ...(ready_wait === undefined ? {} : { ready_wait }),
    ...(allowed_secrets === undefined
      ? {}
      : { allowed_secrets: allowed_secrets as Record<string, string[]> }),
  });
}

function addSchedule(
  row: ExportedSchedule,
  pools: ReadonlyMap<number, string>,
  add: (kind: Kind, row: Row, fields: Fields) => void,
  unsaid: string[],
  emptied: Map<string, number>,
): void {
  const { pool_id, type, exec_type, time_zone, cron_items, depend_items } = row;
  const pool = pools.get(pool_id);
  // What was left of a pool that is gone never fires.
  if (pool === undefined) return;
  const name = `${pool} ${type === 'expand' ? 'expand' : 'deploy'}`;
  if (cron_items.length === 0 && depend_items.length === 0) {
    emptied.set(name, row.version ?? 0);
    return;
  }
  const items = cron_items.map(({ week_day, time, instance_num, concurr_ratio, concurr_num, ignore }) => ({
    at: time,
    day: DAYS[week_day] ?? 'every',
    // What the other type uses has no effect.
    nodes: type === 'expand' ? instance_num : 0,
    percent: type === 'expand' ? 100 : concurr_ratio,
    at_once: type === 'expand' ? 0 : concurr_num,
    ignore,
  }));
  const takes_along = depend_items.flatMap(({ pool_id, ratio, elastic_count, step_name, ignore }) => {
    const along = pools.get(pool_id);
    if (along === undefined)
      unsaid.push(`the schedule ${name} takes pool ${pool_id} along, which does not exist`);
    return along === undefined
      ? []
      : [{ pool: along, ratio, spare: elastic_count, after_step: step_name, ignore }];
  });
  add('Schedule', { ...row, name }, { time_zone, exec_type, items, takes_along });
}
