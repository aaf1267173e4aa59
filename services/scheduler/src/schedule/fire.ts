import {
  inventory,
  NO_ADDRESS,
  type PoolNode,
  type SchedulePreview,
  ServiceError,
  show,
} from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import { type OnBehalf, prepareDeploy, prepareExpand, prepareShrinkById } from '../operations/change-pool.js';
import {
  type PoolChange,
  type PoolChangeParts,
  recordPoolChanges,
} from '../operations/record-pool-changes.js';
import { describeHolders } from '../task/holders.js';
import type { DueItem } from './events.js';
import { type CrontabNode, type Plan, planTarget } from './plan.js';
import { gateFor, type PoolOfRound, roundOf } from './round.js';
import type { ScheduleState } from './state.js';
import type { ScheduleStore } from './store.js';

/** What acting on an occurrence came to: tasks, or what it waits for. */
export type Fired = { tasks: number[] } | { waitsFor: string };

/** Makes the tasks that a scheduled task calls for. */
export interface Firing {
  /** @throws ServiceError why none can be made; `unavailable` when it is worth trying again. */
  fire(schedule: ScheduleState, occurrence: DueItem, context: RequestContext): Promise<Fired>;
  /** Whether the pool, or one that it depends on, is not as an item wants it. */
  isNeeded(schedule: ScheduleState, item: DueItem['item'], context: RequestContext): Promise<boolean>;
  /** What an item would do now: to its pool and to those that it depends on. Changes nothing. */
  preview(schedule: ScheduleState, item: DueItem['item'], context: RequestContext): Promise<PoolPreview[]>;
}

/** What an item would do to one pool, in numbers of nodes that schedules made. */
export type PoolPreview = NonNullable<SchedulePreview['at_saving']>['pools'][number];

const PAGE = 1_000;

/** What is to be done in a pool; undefined: nothing. */
type Prepared = PoolChange | { waitsFor: string } | undefined;

/**
 * Firing by tasks of the pools' own templates. The tasks of one occurrence, in the pool itself and in those that it depends on, are
 * recorded together: a replica that takes over finds all of them or none.
 */
export class PoolFiring implements Firing {
  constructor(
    private readonly store: Pick<
      ScheduleStore,
      'holdersOf' | 'holdsOf' | 'nodeStandings' | 'dependenciesOf' | 'unfinishedTasks'
    >,
    private readonly parts: PoolChangeParts,
  ) {}

  async fire(schedule: ScheduleState, occurrence: DueItem, context: RequestContext): Promise<Fired> {
    const { cause, due, item } = occurrence;
    const onBehalf: OnBehalf = {
      operator: 'crontab',
      flowType: 'crontab',
      occurrence: { schedule: schedule.id, cause, due },
    };
    const { type } = schedule.saved;
    const round = await this.roundOf(schedule, item);
    const busy = await this.othersOf(round, type);
    if (busy) return busy;
    const operations = new Map<number, PoolChange>();
    for (const { pool, target, dependencies } of round) {
      const prepared =
        type === 'upload'
          ? await this.upload(pool, item, onBehalf, context)
          : await this.setNodes(pool, target, onBehalf, context);
      if (!prepared) continue;
      if ('waitsFor' in prepared) return prepared;
      const limitMs = this.parts.settings.dependencyWaitMs;
      operations.set(pool, { ...prepared, gate: gateFor(prepared, dependencies, operations, limitMs) });
    }
    if (operations.size === 0) return { tasks: [] };
    return { tasks: await recordPoolChanges([...operations.values()], context, this.parts) };
  }

  async isNeeded(schedule: ScheduleState, item: DueItem['item'], context: RequestContext): Promise<boolean> {
    for (const { pool, target } of await this.roundOf(schedule, item)) {
      if ((await this.plan(pool, target, context)).type !== 'nothing') return true;
    }
    return false;
  }

  async preview(
    schedule: ScheduleState,
    item: DueItem['item'],
    context: RequestContext,
  ): Promise<PoolPreview[]> {
    const pools: PoolPreview[] = [];
    for (const { pool, target } of await this.roundOf(schedule, item)) {
      const present = await this.presentIn(pool, context);
      const plan = planTarget(present, target);
      const grows = plan.type === 'expand' ? plan : undefined;
      pools.push({
        pool_id: pool,
        nodes: present.length,
        target,
        plan: plan.type,
        missing: grows?.missing ?? 0,
        again: grows?.again.length ?? 0,
        surplus: plan.type === 'shrink' || plan.type === 'wait' ? plan.nodes.length : 0,
      });
    }
    return pools;
  }

  private async roundOf({ saved }: ScheduleState, item: DueItem['item']): Promise<PoolOfRound[]> {
    const known = await this.store.dependenciesOf(saved.type);
    return roundOf(saved.pool, item.instance_num, (pool) =>
      pool === saved.pool ? saved.dependItems : (known.get(pool) ?? []),
    );
  }

  /** Two schedules that set the same pool at once would both make what is missing. */
  private async othersOf(
    round: readonly PoolOfRound[],
    type: ScheduleState['saved']['type'],
  ): Promise<{ waitsFor: string } | undefined> {
    const [task] = await this.store.unfinishedTasks(
      round.map(({ pool }) => pool),
      type,
    );
    if (!task) return undefined;
    if (task.standing === 'running') return { waitsFor: `task ${task.id} in pool ${task.pool_id} to end` };
    throw new ServiceError('wrong_state', `task ${task.id} in pool ${task.pool_id} is paused`);
  }

  /** What brings a pool to a number of nodes. */
  private async setNodes(
    pool: number,
    target: number,
    onBehalf: OnBehalf,
    context: RequestContext,
  ): Promise<Prepared> {
    const plan = await this.plan(pool, target, context);
    switch (plan.type) {
      case 'nothing':
        return undefined;
      case 'wait': {
        const holders = await this.store.holdersOf(plan.nodes, this.parts.clock.now());
        const held = holders.length > 0 ? `: ${describeHolders(holders, ({ node }) => `node ${node}`)}` : '';
        return { waitsFor: `nodes of pool ${pool} that are to go and are being worked on${held}` };
      }
      case 'expand': {
        const request = { pool_id: pool, num: plan.missing, again: plan.again };
        return prepareExpand(request, onBehalf, context, this.parts);
      }
      case 'shrink':
        return prepareShrinkById({ pool_id: pool, ids: plan.nodes }, onBehalf, context, this.parts);
      default:
        return plan satisfies never;
    }
  }

  /** Deploys the image that the pool's service names. */
  private async upload(
    pool: number,
    { concurr_ratio, concurr_num }: DueItem['item'],
    onBehalf: OnBehalf,
    context: RequestContext,
  ): Promise<Prepared> {
    const { bus } = this.parts;
    const { service_id } = await bus.call(inventory.getPool, { id: pool }, context);
    const service = await bus.call(inventory.getService, { id: service_id }, context);
    if (service.docker_image.trim() === '') {
      throw new ServiceError(
        'image_not_set',
        `service ${show(service.name)} has no docker_image: set one, or deploy by hand with a tag`,
        undefined,
        { data: { service: service.name } },
      );
    }
    const { targets } = await bus.call(inventory.poolTargets, { pool_id: pool }, context);
    if (targets.every(({ ip }) => ip === NO_ADDRESS)) return undefined;
    const request = {
      pool_id: pool,
      tag: service.docker_image,
      max_num: concurr_num,
      max_ratio: concurr_ratio || 100,
    };
    return prepareDeploy(request, onBehalf, context, this.parts);
  }

  private async plan(pool: number, target: number, context: RequestContext): Promise<Plan> {
    return planTarget(await this.presentIn(pool, context), target);
  }

  /** The nodes of a pool that schedules made. */
  private async presentIn(pool: number, context: RequestContext): Promise<CrontabNode[]> {
    const nodes = (await this.nodesOf(pool, context)).filter(({ node_type }) => node_type === 'crontab');
    const ids = nodes.map(({ id }) => id);
    // Holds first: a task that ends in between then counts as running, and the next try looks again.
    const holds = await this.store.holdsOf(ids, this.parts.clock.now());
    const standings = await this.store.nodeStandings(ids);
    return ids.flatMap((id): CrontabNode[] => {
      const last = standings.get(id);
      if (last?.returned) return [];
      return [{ id, state: last?.state ?? 0, held: holds.get(id) ?? 'no' }];
    });
  }

  private async nodesOf(pool: number, context: RequestContext): Promise<PoolNode[]> {
    const nodes: PoolNode[] = [];
    for (let page = 1; ; page++) {
      const request = { pool_id: pool, page, page_size: PAGE };
      const { rows } = await this.parts.bus.call(inventory.listNodes, request, context);
      nodes.push(...rows);
      if (rows.length < PAGE) return nodes;
    }
  }
}
