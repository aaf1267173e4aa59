import type { CalendarEntry } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { OutcomeShape } from './outcome.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';
import { addDays, clockChangeOn, dayTitle, shownZone, wallTime, type ZoneChoice } from './zones.js';

/** Moments of one cell that are shown at first. */
const IN_CELL = 5;
/** With more times than this the rows are hours. */
const MOST_TIMES = 24;

interface CalendarProps {
  monday: string;
  rows: readonly CalendarEntry[];
  zone: ZoneChoice;
  /** The moment that is open beside the calendar, as `keyOf` names it. */
  opened: string;
  onOpen: (entry: CalendarEntry) => void;
}

/** Names a moment in the address. */
export const keyOf = ({ schedule_id, due_at, cause }: CalendarEntry): string =>
  `${schedule_id} ${cause} ${due_at}`;

/** A week: a column for each day, a row for each time; on a narrow screen a list by day. */
export function Calendar({ monday, rows, zone, opened, onOpen }: CalendarProps): ReactNode {
  const text = useWords(scheduleWords);
  const { locale } = useIntl();
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const days = Array.from({ length: 7 }, (_, index) => addDays(monday, index));
  const placed = rows.map((entry) => {
    const { date, time } = wallTime(entry.due_at, shownZone(zone, entry.zone));
    return { entry, date, time: time.slice(0, 5) };
  });
  const inWeek = placed.filter(({ date }) => days.includes(date));
  const exact = new Set(inWeek.map(({ time }) => time));
  const rowOf = (time: string): string => (exact.size > MOST_TIMES ? `${time.slice(0, 2)}:00` : time);
  const times = [...new Set(inWeek.map(({ time }) => rowOf(time)))].sort();
  const zones =
    zone === 'schedule' ? [...new Set(rows.map((row) => row.zone))] : [shownZone(zone, '') ?? undefined];
  const todays = new Set(zones.map((name) => wallTime(Date.now(), name).date));
  if (inWeek.length === 0) return <p className={styles.note}>{text('none.match')}</p>;
  return (
    <div className={styles.calendar} style={{ gridTemplateRows: `repeat(${times.length + 1}, auto)` }}>
      {days.map((day, column) => (
        <span
          key={day}
          className={styles.column}
          data-today={todays.has(day) || undefined}
          style={{ gridColumn: column + 2, gridRow: '2 / -1' }}
          aria-hidden="true"
        />
      ))}
      {times.map((time, row) => (
        <span key={time} className={styles.time} style={{ gridRow: row + 2 }} aria-hidden="true">
          {time}
        </span>
      ))}
      {days.map((day, column) => {
        const changes = [...new Set(zones.map((name) => clockChangeOn(day, name)))].filter(
          (hours) => hours !== 0,
        );
        const today = todays.has(day);
        const own = inWeek.filter(({ date }) => date === day);
        return (
          <section
            key={day}
            className={styles.day}
            aria-labelledby={`day-${day}`}
            data-empty={own.length === 0 || undefined}
          >
            <h3
              id={`day-${day}`}
              className={styles.dayTitle}
              data-today={today || undefined}
              style={{ gridColumn: column + 2, gridRow: 1 }}
            >
              {dayTitle(day, locale)}
              {today && <small> {text('today')}</small>}
              {changes.map((hours) => (
                <small key={hours} className={styles.clockChange}>
                  {' '}
                  {text('clocks', { hours: hours > 0 ? `+${hours}` : `−${-hours}` })}
                </small>
              ))}
            </h3>
            <ul className={styles.moments}>
              {times.map((time, row) => {
                const here = own.filter((one) => rowOf(one.time) === time);
                if (here.length === 0) return null;
                const cell = `${day} ${time}`;
                const shown = expanded.has(cell) ? here : here.slice(0, IN_CELL);
                return (
                  <li key={time} className={styles.cell} style={{ gridColumn: column + 2, gridRow: row + 2 }}>
                    {shown.map(({ entry, time: exactTime }) => (
                      <MomentButton
                        key={keyOf(entry)}
                        entry={entry}
                        time={exactTime}
                        showTime={exactTime !== time}
                        isOpen={keyOf(entry) === opened}
                        onOpen={onOpen}
                      />
                    ))}
                    {here.length > shown.length && (
                      <Button kind="quiet" onPress={() => setExpanded(new Set([...expanded, cell]))}>
                        {text('more.here', { count: here.length - shown.length })}
                      </Button>
                    )}
                  </li>
                );
              })}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

interface MomentButtonProps {
  entry: CalendarEntry;
  time: string;
  /** The row does not say the exact time. */
  showTime: boolean;
  isOpen: boolean;
  onOpen: (entry: CalendarEntry) => void;
}

function MomentButton({ entry, time, showTime, isOpen, onOpen }: MomentButtonProps): ReactNode {
  const text = useWords(scheduleWords);
  const { outcome, pool_name, pool_id, type, item, reason, cause } = entry;
  const pool = pool_name || `#${pool_id}`;
  const what = type === 'expand' ? `→ ${item.instance_num}` : text('type.upload');
  // The first word of a reason says why: overlap, paused, missed, refused.
  const why = outcome === 'skipped' ? (reason.split(':')[0] ?? '') : '';
  const is = text(`outcome.${outcome}`);
  const rest = [cause === 'due' ? '' : text(`cause.${cause}`), why].filter((word) => word !== '');
  const how = [what, is, ...rest].join(' · ');
  return (
    <button
      type="button"
      className={styles.momentButton}
      data-outcome={outcome}
      aria-pressed={isOpen}
      title={`${time} ${pool} ${how}`}
      onClick={() => onOpen(entry)}
    >
      <OutcomeShape outcome={outcome} />
      <span className={styles.momentName}>
        <span className={showTime ? undefined : styles.narrowTime}>{time} </span>
        <span>{pool}</span>
      </span>
      {/* Most of a week is planned: its shape says so, and the line under the calendar what the shape means. */}
      <small>
        {what}
        <span className={outcome === 'planned' ? 'only-read-aloud' : undefined}> · {is}</span>
        {rest.map((word) => ` · ${word}`)}
      </small>
    </button>
  );
}

/** The outcomes with their shapes, for under the calendar. */
export function Legend({ outcomes }: { outcomes: readonly CalendarEntry['outcome'][] }): ReactNode {
  const text = useWords(scheduleWords);
  return (
    <ul className={styles.legend}>
      {outcomes.map((outcome) => (
        <li key={outcome} data-outcome={outcome}>
          <OutcomeShape outcome={outcome} /> {text(`outcome.${outcome}`)}
        </li>
      ))}
    </ul>
  );
}
