import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../support/api.js';
import { uniqueName } from '../support/fleet.js';
import type { Random } from '../support/random.js';
import type { Patience } from './patience.js';

/** Clients at once. */
const CLIENTS = 3;
const PAUSE_MS = 150;

/** What everything that the editor makes hangs on; entered before the faults begin. */
export interface Ground {
  clusterId: number;
  serviceId: number;
  /** An action that remote steps can have. */
  action: string;
  /** A remote step that templates can have. */
  step: string;
  /** A template of one quick step. */
  template: number;
}

interface Kind {
  create: (name: string, desc: string) => [path: string, body: Record<string, unknown>];
  update: (id: number, name: string, desc: string) => [path: string, body: Record<string, unknown>];
  list: string;
}

function kindsOn({ clusterId, serviceId, action, step }: Ground): Record<string, Kind> {
  const named = (path: string, fields: Record<string, unknown>): Pick<Kind, 'create' | 'update'> => ({
    create: (name, desc) => [`/${path}/create`, { name, desc, ...fields }],
    update: (id, name, desc) => [`/${path}/update/${id}`, { name, desc }],
  });
  const retry = { retry_times: 0, ignore_error: false };
  return {
    cluster: { ...named('cluster', { biz: '1' }), list: '/cluster/list' },
    service: {
      ...named('service', { service_type: 'Java', docker_image: '-', cluster_id: clusterId }),
      list: `/cluster/${clusterId}/list_services`,
    },
    pool: {
      ...named('pool', { vm_type: 1, sd_id: 1, service_id: serviceId }),
      list: `/service/${serviceId}/list_pools`,
    },
    action: { ...named('action', { params: { word: 'string' } }), list: '/action/list' },
    remote_step: { ...named('remote_step', { actions: [action] }), list: '/remote_step/list' },
    task_tpl: {
      ...named('task_tpl', { steps: [{ name: step, param_values: {}, retry }] }),
      list: '/task_tpl/list',
    },
  };
}

/** One thing that a client has made, or may have made. */
interface Thing {
  kind: string;
  name: string;
  /** Known when its creation was answered with success. */
  id: number | undefined;
  /** The description that was last answered with success, or asked for when nothing was. */
  desc: string;
  /** A change whose answer was none or an error: it may have happened. Nothing is changed after it. */
  perhaps: string | undefined;
  /** For pools: addresses that were added, all or none of them unless it was answered with success. */
  added: { addresses: string[]; answered: boolean } | undefined;
}

interface SmallTask {
  name: string;
  ids: number[];
  answered: boolean;
}

/**
 * Clients that go on making and changing things while the system is being hurt. They note what was answered with
 * success; afterwards all of that must be there, and of the rest all or nothing.
 */
export class Editor {
  readonly tasks: SmallTask[] = [];
  answered = 0;
  /** How often the clients got an error or no answer, by what it said. */
  readonly refusals = new Map<string, number>();
  private readonly things: Thing[] = [];
  private readonly kinds: Record<string, Kind>;
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[];

  constructor(
    private readonly options: {
      api: ApiClient;
      patience: Patience;
      ground: Ground;
      random: Random;
      /** Nodes for small tasks, each used once. */
      nodes: string[];
      /** Addresses that nothing listens on, for pools. */
      addresses: (count: number) => string[];
    },
  ) {
    this.kinds = kindsOn(options.ground);
    this.loops = Array.from({ length: CLIENTS }, () => this.run());
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
  }

  private async run(): Promise<void> {
    const { random } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const changeable = this.things.filter(({ id, perhaps }) => id !== undefined && perhaps === undefined);
      if (random.chance(0.1) && this.options.nodes.length >= 2) await this.createTask();
      else if (random.chance(0.5) && changeable.length > 0) await this.change(random.pick(changeable));
      else await this.create(random.pick(Object.keys(this.kinds)));
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The data of an answer that says success; undefined for any other, and for none. */
  private async ask(path: string, body: unknown): Promise<{ data: unknown; taskIds: number[] } | undefined> {
    let refusal: string;
    try {
      const answer = await this.options.api.call(path, body);
      if (answer.code === 0 && answer.status < 300) {
        this.answered++;
        return answer;
      }
      refusal = answer.msg;
    } catch (error) {
      const { message, cause } = error as Error;
      refusal = cause instanceof Error ? `${message}: ${cause.message}` : message;
    }
    // Alike but for names and numbers.
    const alike = refusal.replace(/[-\w]*\d[-\w.:]*/g, '…').slice(0, 160);
    this.refusals.set(alike, (this.refusals.get(alike) ?? 0) + 1);
    return undefined;
  }

  private async create(kind: string): Promise<void> {
    const name = uniqueName(`chaos-${kind.replace('_', '-')}`);
    const desc = `first of ${name}`;
    const [path, body] = this.kindOf(kind).create(name, desc);
    const answer = await this.ask(path, body);
    const data = answer?.data as number | { id: number } | undefined;
    const id = typeof data === 'object' ? data.id : data;
    this.things.push({ kind, name, id, desc, perhaps: undefined, added: undefined });
  }

  private async change(thing: Thing): Promise<void> {
    const { kind, id = 0, name } = thing;
    if (kind === 'pool' && thing.added === undefined) {
      const addresses = this.options.addresses(3);
      thing.added = { addresses, answered: false };
      if (await this.ask(`/pool/${id}/add_nodes`, { nodes: addresses })) thing.added.answered = true;
      return;
    }
    const desc = uniqueName(`changed ${name}`);
    // Until the answer, so that another client leaves it alone.
    thing.perhaps = desc;
    const [path, body] = this.kindOf(kind).update(id, name, desc);
    if (!(await this.ask(path, body))) return;
    thing.desc = desc;
    thing.perhaps = undefined;
  }

  private async createTask(): Promise<void> {
    const nodes = this.options.nodes.splice(0, 2);
    const task: SmallTask = { name: uniqueName('small'), ids: [], answered: false };
    this.tasks.push(task);
    const answer = await this.ask('/task/create', {
      template_id: this.options.ground.template,
      task_name: task.name,
      opr_user: 'tester',
      nodes: nodes.map((ip) => ({ ip })),
      params: {},
    });
    if (!answer) return;
    task.answered = true;
    task.ids = answer.taskIds;
  }

  private kindOf(name: string): Kind {
    const kind = this.kinds[name];
    if (!kind) throw new Error(`there is no kind ${name}`);
    return kind;
  }

  /** What is not as it was answered; each in words. */
  async check(): Promise<string[]> {
    const problems: string[] = [];
    for (const [kind, { list }] of Object.entries(this.kinds)) {
      const rows = await this.options.patience.list<{ id: number; name: string; desc: string }>(list);
      for (const thing of this.things.filter((each) => each.kind === kind)) {
        const found = rows.filter(({ name }) => name === thing.name);
        const problem = problemOf(thing, found);
        if (problem) problems.push(`${kind} ${thing.name}: ${problem}`);
      }
    }
    for (const { name, id, added } of this.things) {
      if (!added) continue;
      const rows = await this.options.patience.list<{ ip: string }>(`/pool/${id}/list_nodes`);
      const complete = `${rows.map(({ ip }) => ip).sort()}` === `${[...added.addresses].sort()}`;
      if (!complete && (added.answered || rows.length > 0)) {
        problems.push(`pool ${name} has ${rows.length} of its nodes (answered: ${added.answered})`);
      }
    }
    for (const task of this.tasks) {
      const ids = await this.options.patience.tasksNamed(task.name);
      if (task.answered && `${ids}` !== `${task.ids}`) {
        problems.push(`task ${task.name} was created as ${task.ids}; there are ${ids}`);
      } else if (ids.length > 1) problems.push(`task ${task.name} is there ${ids.length} times`);
      task.ids = ids;
    }
    return problems;
  }
}

function problemOf(thing: Thing, found: readonly { id: number; desc: string }[]): string | undefined {
  const [row] = found;
  if (!row) return thing.id === undefined ? undefined : `was created as ${thing.id} and is gone`;
  if (found.length > 1) return `is there ${found.length} times`;
  if (thing.id !== undefined && row.id !== thing.id) return `was created as ${thing.id} and is ${row.id}`;
  if (row.desc === thing.desc || row.desc === thing.perhaps) return undefined;
  return `is ${JSON.stringify(row.desc)}, not ${JSON.stringify(thing.desc)}`;
}
