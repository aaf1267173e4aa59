import type { CronItem, components } from '@rigel/api-client';

export type LedgerSum = components['schemas']['LedgerSum'];

const DAYS = ['daily', 'Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The outcomes of moments, in the order in which the sum of a ledger names them. */
const OUTCOMES = [
  ['fired', 'fired'],
  ['caught_up', 'caught up'],
  ['nothing_to_do', 'nothing to do'],
  ['skipped', 'skipped'],
  ['ignored', 'ignored'],
  ['waiting', 'waiting'],
  ['firing', 'firing'],
  ['not_noticed', 'not noticed yet'],
] as const satisfies readonly (readonly [keyof LedgerSum, string])[];

/** `87 moments = 78 fired + 3 caught up + 4 nothing to do + 2 skipped        balanced` */
export function sumLine(sum: LedgerSum): string {
  const parts = OUTCOMES.filter(([field]) => sum[field] > 0).map(
    ([field, words]) => `${sum[field]} ${words}`,
  );
  const moments = `${sum.moments} moment${sum.moments === 1 ? '' : 's'}`;
  const equals = parts.length === 0 ? moments : `${moments} = ${parts.join(' + ')}`;
  return `${equals}        ${sum.balanced ? 'balanced' : 'NOT balanced'}`;
}

/** `08:00 daily, 20 nodes` */
export function itemText({
  time,
  week_day,
  instance_num,
  concurr_ratio,
  concurr_num,
  ignore,
}: CronItem): string {
  const batch = [
    ...(concurr_ratio > 0 ? [`batches of ${concurr_ratio} %`] : []),
    ...(concurr_num > 0 ? [`at most ${concurr_num} at once`] : []),
  ];
  return [
    `${time} ${DAYS[week_day] ?? week_day}`,
    `${instance_num} nodes`,
    ...batch,
    ...(ignore ? ['ignored'] : []),
  ].join(', ');
}
