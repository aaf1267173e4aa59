import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import { useSchedules } from './reads.js';
import { ScheduleLine } from './schedule-line.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';

/** The scheduled tasks of a pool, each with its next moment; a link leads to its calendar and ledger. */
export function SchedulesOfPool({ poolId }: { poolId: number }): ReactNode {
  const text = useWords(scheduleWords);
  const query = useSchedules(poolId);
  return (
    <Region
      what={text('schedules')}
      query={query}
      isEmpty={(rows) => rows.length === 0}
      empty={
        <p className={styles.note}>
          {text('ofPool.none')} <Link href={to.schedules({ edit: 'new' })}>{text('new')}</Link>
        </p>
      }
    >
      {(rows) => (
        <ul className={styles.lines}>
          {rows.map((schedule) => (
            <li key={schedule.id}>
              <ScheduleLine schedule={schedule} />
            </li>
          ))}
        </ul>
      )}
    </Region>
  );
}
