import { inventory, type PoolNode, ServiceError, show } from '@rigel/contracts';
import type { RequestContext } from '@rigel/messaging';
import {
  deployPool,
  expandPool,
  type OnBehalf,
  type PoolOperationParts,
  shrinkByIds,
} from '../pool-operations.js';
import { NO_ADDRESS } from '../task/state.js';
import type { DueItem } from './events.js';
import { type CrontabNode, type Plan, planTarget } from './plan.js';
import type { ScheduleState } from './state.js';
import type { ScheduleStore } from './store.js';

/** What acting on a moment came to: tasks, or what it waits for. */
export type Fired = { tasks: number[] } | { waitsFor: string };

/** Makes the tasks that a scheduled task calls for. */
export interface Firing {
  /** @throws ServiceError why none can be made; `unavailable` when it is worth trying again. */
  fire(schedule: ScheduleState, occurrence: DueItem, context: RequestContext): Promise<Fired>;
  /** Whether the pool is not as an item wants it. */
  isNeeded(schedule: ScheduleState, item: DueItem['item'], context: RequestContext): Promise<boolean>;
}

const PAGE = 1_000;
/** Nodes named in a log line at most. */
const NAMED = 5;

/** Firing by tasks of the pool's own templates. */
export class PoolFiring implements Firing {
  constructor(
    private readonly store: Pick<ScheduleStore, 'holdsOf' | 'nodeStandings'>,
    private readonly parts: PoolOperationParts,
  ) {}

  async fire(schedule: ScheduleState, occurrence: DueItem, context: RequestContext): Promise<Fired> {
    const { cause, due, item } = occurrence;
    const onBehalf: OnBehalf = {
      operator: 'crontab',
      flowType: 'crontab',
      occurrence: { schedule: schedule.id, cause, due },
    };
    const { pool, type, dependItems } = schedule.saved;
    if (dependItems.some(({ ignore }) => !ignore)) {
      throw new ServiceError(
        'wrong_state',
        'dependencies on other pools are kept, but not followed in this version',
      );
    }
    if (type === 'upload') return this.upload(pool, item, onBehalf, context);
    const plan = await this.plan(schedule, item, context);
    switch (plan.do) {
      case 'nothing':
        return { tasks: [] };
      case 'wait': {
        const nodes = plan.nodes.slice(0, NAMED).join(', ');
        return { waitsFor: `${plan.nodes.length} nodes that are to go are being worked on: ${nodes}` };
      }
      case 'expand': {
        const request = { pool_id: pool, num: plan.missing, again: plan.again };
        return { tasks: [(await expandPool(request, onBehalf, context, this.parts)).id] };
      }
      case 'shrink': {
        const request = { pool_id: pool, ids: plan.nodes };
        return { tasks: [(await shrinkByIds(request, onBehalf, context, this.parts)).id] };
      }
      default:
        return plan satisfies never;
    }
  }

  async isNeeded(schedule: ScheduleState, item: DueItem['item'], context: RequestContext): Promise<boolean> {
    return (await this.plan(schedule, item, context)).do !== 'nothing';
  }

  /** Deploys the image that the pool's service names. */
  private async upload(
    pool: number,
    { concurr_ratio, concurr_num }: DueItem['item'],
    onBehalf: OnBehalf,
    context: RequestContext,
  ): Promise<Fired> {
    const { bus } = this.parts;
    const { service_id } = await bus.call(inventory.getPool, { id: pool }, context);
    const service = await bus.call(inventory.getService, { id: service_id }, context);
    if (service.docker_image.trim() === '') {
      throw new ServiceError('wrong_state', `service ${show(service.name)} names no docker_image`);
    }
    const { targets } = await bus.call(inventory.poolTargets, { pool_id: pool }, context);
    if (targets.every(({ ip }) => ip === NO_ADDRESS)) return { tasks: [] };
    const request = {
      pool_id: pool,
      tag: service.docker_image,
      max_num: concurr_num,
      max_ratio: concurr_ratio || 100,
    };
    return { tasks: [(await deployPool(request, onBehalf, context, this.parts)).id] };
  }

  /** What brings the pool to the number of nodes that an item sets. */
  private async plan(
    { saved }: ScheduleState,
    { instance_num }: DueItem['item'],
    context: RequestContext,
  ): Promise<Plan> {
    const nodes = (await this.nodesOf(saved.pool, context)).filter(
      ({ node_type }) => node_type === 'crontab',
    );
    const ids = nodes.map(({ id }) => id);
    // Holds first: a task that ends in between is then seen as running, which is looked at again.
    const holds = await this.store.holdsOf(ids, this.parts.clock.now());
    const standings = await this.store.nodeStandings(ids);
    const present = ids.flatMap((id): CrontabNode[] => {
      const last = standings.get(id);
      if (last?.returned) return [];
      return [{ id, state: last?.state ?? 0, held: holds.get(id) ?? 'no' }];
    });
    return planTarget(present, instance_num);
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
