import type { ScheduleStanding } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { itemWords } from './details.js';
import { OutcomeBadge } from './outcome.js';
import styles from './schedules.module.css';
import { ZonedTime } from './times.js';
import { scheduleWords } from './words.js';

/** A scheduled task in one line: pool and type, how it stands, its next moment. */
export function ScheduleLine({ schedule }: { schedule: ScheduleStanding }): ReactNode {
  const text = useWords(scheduleWords);
  const { id, pool_id, pool_name, type, state, next, zone } = schedule;
  return (
    <div className={styles.line}>
      <Link href={to.schedules({ schedule: id, pool: pool_id })}>
        {pool_name || `#${pool_id}`} {text(`type.${type}`)}
      </Link>
      {state === 'waiting' || state === 'firing' ? (
        <OutcomeBadge outcome={state} />
      ) : (
        <span className={styles.quiet}>{text(`state.${state}`)}</span>
      )}
      <span>
        {next ? (
          <>
            {text('next')}: <ZonedTime at={next.due_at} zone={zone} /> {itemWords(next.item, type, text)}
          </>
        ) : (
          <span className={styles.quiet}>{text('next.none')}</span>
        )}
      </span>
    </div>
  );
}
