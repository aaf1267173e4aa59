import { Id, ServiceError, show } from '@rigel/contracts';
import { type Static, Type } from 'typebox';

const Ignore = Type.Boolean({ default: false, description: 'The item is kept and does nothing.' });

/** When a scheduled task fires, and what it makes of its pool then. */
export const CronItem = Type.Object({
  time: Type.String({ description: 'HH:mm or HH:mm:ss.' }),
  week_day: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 7,
      description: '0 = every day, 1 = Sunday, 2 = Monday ... 7 = Saturday.',
    }),
  ),
  instance_num: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 200,
      description: 'Scheduled nodes that the pool shall have (expand).',
    }),
  ),
  concurr_ratio: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      description: 'Percent of the nodes in a batch (upload), 0 = all.',
    }),
  ),
  concurr_num: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Most nodes in a batch (upload), 0 = no limit.' }),
  ),
  ignore: Type.Optional(Ignore),
});

/** Another pool that has to be ready first. */
export const DependItem = Type.Object({
  pool_id: Type.Integer({ ...Id, description: 'The pool depended on.' }),
  ratio: Type.Optional(Type.Number({ minimum: 0, description: 'Its nodes for each node of this pool.' })),
  elastic_count: Type.Optional(Type.Integer({ minimum: 0, description: 'Spare nodes.' })),
  step_name: Type.String({ description: 'Step of its template that its nodes must have passed.' }),
  ignore: Type.Optional(Ignore),
});
export type DependItem = Static<typeof DependItem>;

const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/;

/** @throws ServiceError `invalid` for a time that there is not, and for the same time twice. */
export function checkCronItems(items: readonly Static<typeof CronItem>[]): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const time = item.time.trim();
    if (!TIME.test(time)) {
      throw new ServiceError(
        'invalid',
        `time of cron item ${index + 1} must be HH:mm or HH:mm:ss (got ${show(item.time)})`,
        'cron_itmes',
      );
    }
    const moment = `${item.week_day ?? 0} ${time.length === 5 ? `${time}:00` : time}`;
    if (seen.has(moment)) {
      throw new ServiceError(
        'invalid',
        `two cron items have the week_day ${item.week_day ?? 0} and the time ${time}`,
        'cron_itmes',
      );
    }
    seen.add(moment);
  }
}

/** @throws ServiceError `invalid` when the pool depends on itself, or on another one twice. */
export function checkDependItems(poolId: number, items: readonly DependItem[]): void {
  const seen = new Set<number>();
  for (const { pool_id } of items) {
    if (pool_id === poolId) {
      throw new ServiceError('invalid', `pool ${poolId} cannot depend on itself`, 'depend_itmes');
    }
    if (seen.has(pool_id)) {
      throw new ServiceError('invalid', `pool ${pool_id} is depended on twice`, 'depend_itmes');
    }
    seen.add(pool_id);
  }
}
