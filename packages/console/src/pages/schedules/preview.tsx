import type { SchedulePreview } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { dayWords, itemWords, type ScheduleText } from './details.js';
import styles from './schedules.module.css';
import { ZonedTime } from './times.js';
import { scheduleWords } from './words.js';

type Pool = NonNullable<SchedulePreview['at_saving']>['pools'][number];

/** What saving does: at once, to what is saved, at the next moments, beside other schedules, when the clocks change. */
export function Preview({
  preview,
  type,
}: {
  preview: SchedulePreview;
  type: 'expand' | 'upload';
}): ReactNode {
  const text = useWords(scheduleWords);
  const { at_saving, moments, overlaps, clock_changes, zone } = preview;
  const apart = (a: string, b: string): string => durationText(Math.abs(Date.parse(a) - Date.parse(b)));
  return (
    <dl className={styles.previewFacts}>
      <dt>{text('preview.now')}</dt>
      <dd>
        {at_saving === null || at_saving.pools.every(({ plan }) => plan === 'nothing') ? (
          <>
            {text('preview.now.none')}
            {at_saving?.pools.map((pool) => (
              <div key={pool.pool_id} className={styles.quiet}>
                <PoolNow pool={pool} />
              </div>
            ))}
          </>
        ) : (
          at_saving.pools.map((pool) => (
            <div key={pool.pool_id}>
              <PoolNow pool={pool} />: <b>{planWords(pool, text)}</b>
            </div>
          ))
        )}
      </dd>
      <dt>{text('preview.diff')}</dt>
      <dd>
        <Differences preview={preview} type={type} />
      </dd>
      <dt>
        {text('preview.moments')} <small className={styles.quiet}>{zone}</small>
      </dt>
      <dd>
        {moments.length === 0 ? (
          text('preview.moments.none')
        ) : (
          <ol className={styles.momentList}>
            {moments.map(({ due_at, item }) => (
              <li key={due_at}>
                <ZonedTime at={due_at} zone={zone} /> {itemWords(item, type, text)}
              </li>
            ))}
          </ol>
        )}
      </dd>
      <dt>{text('preview.clocks')}</dt>
      <dd>
        {clock_changes.length === 0
          ? text('preview.clocks.none')
          : clock_changes.map(({ at, offset_before, offset_after, moments }) => {
              const hours = Math.abs(offset_after - offset_before) / 60;
              const way = offset_after > offset_before ? 'forward' : 'back';
              return (
                <div key={at}>
                  <ZonedTime at={at} zone={zone} />: {text(`preview.clocks.${way}`, { hours })}
                  <ul className={styles.list}>
                    {moments.length === 0 && <li className={styles.quiet}>{text('preview.clocks.free')}</li>}
                    {moments.map(({ time, week_day, due_at, what }) => (
                      <li key={`${week_day} ${time}`} className={styles.warning}>
                        {text(what === 'does_not_exist' ? 'preview.clocks.gap' : 'preview.clocks.twice', {
                          time,
                        })}{' '}
                        → <ZonedTime at={due_at} zone={zone} />
                      </li>
                    ))}
                  </ul>
                </div>
              );
            })}
      </dd>
      <dt>{text('preview.overlaps')}</dt>
      <dd>
        {overlaps.length === 0 ? (
          text('preview.overlaps.none')
        ) : (
          <ul className={styles.list}>
            {overlaps.map(({ schedule_id, due_at, own_due_at, ...other }) => (
              <li key={`${schedule_id} ${due_at}`} className={styles.warning}>
                <ZonedTime at={due_at} zone={zone} />{' '}
                {text('preview.overlap', {
                  pool: other.schedule_pool_name || `#${other.schedule_pool_id}`,
                  type: text(`type.${other.type}`),
                  shared: other.pool_name || `#${other.pool_id}`,
                  apart: apart(due_at, own_due_at),
                })}
              </li>
            ))}
          </ul>
        )}
      </dd>
    </dl>
  );
}

function PoolNow({ pool }: { pool: Pool }): ReactNode {
  const text = useWords(scheduleWords);
  const { pool_id, pool_name, nodes, target } = pool;
  return text('preview.now.pool', { pool: pool_name || `#${pool_id}`, nodes, target });
}

function planWords({ plan, missing, again, surplus }: Pool, text: ScheduleText): string {
  return text(`preview.plan.${plan}`, { missing, again, surplus }).trim();
}

function Differences({ preview, type }: { preview: SchedulePreview; type: 'expand' | 'upload' }): ReactNode {
  const text = useWords(scheduleWords);
  const { time_zone, exec_type, cron_items, depend_items } = preview.differences;
  const lines: [key: string, words: string][] = [];
  const zoneWords = (name: string | null): string => name || text('zone.deployment');
  if (time_zone)
    lines.push([
      'zone',
      `${text('preview.diff.zone')}: ${zoneWords(time_zone.before)} → ${zoneWords(time_zone.after)}`,
    ]);
  if (exec_type && exec_type.before !== null)
    lines.push([
      'exec',
      `${text('preview.diff.exec')}: ${text(`edit.${exec_type.before}`)} → ${text(`edit.${exec_type.after ?? 'crontab'}`)}`,
    ]);
  for (const { before, after } of cron_items) {
    const item = after ?? before;
    if (!item) continue;
    const words = (one: typeof item): string =>
      `${itemWords(one, type, text)}${one.ignore ? ` (${text('item.ignored')})` : ''}`;
    const what = `${dayWords(item.week_day, text)} ${item.time}`;
    const how = changeWords(before && words(before), after && words(after), text);
    lines.push([`item ${what}`, `${what}: ${how}`]);
  }
  for (const { before, after } of depend_items) {
    const item = after ?? before;
    if (!item) continue;
    const words = (one: typeof item): string =>
      `× ${one.ratio} + ${one.elastic_count}, ${one.step_name}${one.ignore ? ` (${text('item.ignored')})` : ''}`;
    const how = changeWords(before && words(before), after && words(after), text);
    lines.push([`pool ${item.pool_id}`, `#${item.pool_id}: ${how}`]);
  }
  if (lines.length === 0) return text('preview.diff.none');
  return (
    <ul className={styles.list}>
      {lines.map(([key, words]) => (
        <li key={key}>{words}</li>
      ))}
    </ul>
  );
}

function changeWords(before: string | null, after: string | null, text: ScheduleText): string {
  if (before === null) return `${text('preview.added')} ${after ?? ''}`;
  if (after === null) return `${text('preview.removed')} (${before})`;
  return `${before} ⇒ ${after}`;
}
