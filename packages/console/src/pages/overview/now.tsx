import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import { roundText } from '../../text/time.js';
import { STATES, StateBar, StateShape } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import type { TaskOverview } from './answer.js';
import styles from './now.module.css';
import { Section } from './section.js';
import { overviewWords } from './words.js';

const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);

/** The tasks at work, and who works on them. */
export function Now({ tasks }: { tasks: TaskOverview }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const { unfinished, runs, now, executors, events_by_minute } = tasks;
  const atWork = unfinished[1] ?? 0;
  return (
    <Section title={text('now.title')} beside={<Link href={to.tasks({ state: 1 })}>{text('now.all')}</Link>}>
      <p className={styles.quiet}>
        {atWork === 0 ? text('now.none') : text('now.sum', { tasks: atWork, nodes: runs[1] ?? 0 })}
      </p>
      <ul className={styles.tasks}>
        {now.map(({ id, name, pool_name, stat }) => (
          <li key={id}>
            <Link href={to.task(id)} className={styles.task ?? ''} title={`${name} · ${pool_name}`}>
              <span className={styles.id}>#{id}</span> {name}
            </Link>
            <StateBar counts={stat} />
            <span className={styles.percent}>
              {formatNumber(
                Math.floor((100 * (sum(stat) - (stat[0] ?? 0) - (stat[1] ?? 0))) / Math.max(1, sum(stat))),
              )}{' '}
              %
            </span>
          </li>
        ))}
      </ul>
      <p className={styles.line}>
        {events_by_minute.length > 1 && <Rate minutes={events_by_minute} />}
        <Link href={to.system()}>{text('now.executors', { present: executors.present })}</Link>
        {executors.gone > 0 && (
          <span className={styles.gone}>{text('now.gone', { gone: formatNumber(executors.gone) })}</span>
        )}
        <span>{text('now.slots', { taken: executors.taken, slots: executors.slots })}</span>
      </p>
    </Section>
  );
}

const WIDTH = 4;
const HEIGHT = 16;

function Rate({ minutes }: { minutes: readonly number[] }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const most = Math.max(1, ...minutes);
  const bars = minutes
    .map((count, index) => {
      const height = Math.max(1, Math.round((HEIGHT * count) / most));
      return `M${index * WIDTH} ${HEIGHT - height}h${WIDTH - 1}v${height}h${1 - WIDTH}z`;
    })
    .join('');
  const label = text('now.events', { minutes: minutes.length, last: formatNumber(minutes.at(-1) ?? 0) });
  return (
    <span className={styles.rate}>
      <svg
        role="img"
        aria-label={label}
        viewBox={`0 0 ${minutes.length * WIDTH} ${HEIGHT}`}
        style={{ inlineSize: `${minutes.length * WIDTH}px` }}
      >
        <title>{label}</title>
        <path d={bars} fill="currentColor" />
      </svg>
      {text('now.eventsShort')}
    </span>
  );
}

/** What schedules will do. */
export function Next({ tasks: { next } }: { tasks: TaskOverview }): ReactNode {
  const text = useWords(overviewWords);
  const common = useWords();
  const now = useMinute();
  return (
    <Section
      title={text('next.title')}
      beside={<Link href={to.schedules()}>{common('page.schedules')}</Link>}
    >
      {next.length === 0 && <p className={styles.quiet}>{text('next.none')}</p>}
      <ul className={styles.next}>
        {next.map(({ schedule_id, pool_id, pool_name, type, due_at, instance_num, time_zone }) => (
          <li key={`${schedule_id} ${due_at}`}>
            <TimeText at={due_at} withDate={false} />
            <span className={styles.what} title={text('next.zone', { zone: time_zone })}>
              <Link href={to.pool(pool_id)}>{pool_name || `#${pool_id}`}</Link>{' '}
              {text(`next.${type}`, { count: instance_num })}
            </span>
            <span className={styles.quiet}>
              {text('next.in', {
                time: roundText(Math.max(60_000, roundedToMinutes(Date.parse(due_at) - now))),
              })}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const roundedToMinutes = (ms: number): number => Math.round(ms / 60_000) * 60_000;

/** The time, written again each half a minute. */
function useMinute(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** What became of the tasks of the last day. */
export function Day({ tasks: { day } }: { tasks: TaskOverview }): ReactNode {
  const text = useWords(overviewWords);
  const common = useWords();
  const { formatNumber } = useIntl();
  return (
    <Section title={text('day.title')}>
      {day.tasks === 0 ? (
        <p className={styles.quiet}>{text('day.none')}</p>
      ) : (
        <ul className={styles.counts}>
          <li>{text('day.tasks', { tasks: day.tasks })}</li>
          {STATES.map((state, index) => {
            const count = day.states[index] ?? 0;
            return count === 0 ? null : (
              <li key={state} data-state={state}>
                <StateShape state={state} />
                <b>{formatNumber(count)}</b> {common(`state.${state}`)}
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

/** What became of the moments at which schedules were to act. */
export function Ledger({ tasks: { ledger } }: { tasks: TaskOverview }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const moments = sum(ledger.map((one) => one.moments));
  return (
    <Section title={text('ledger.title')}>
      {moments === 0 ? (
        <p className={styles.quiet}>{text('ledger.none')}</p>
      ) : (
        <ul className={styles.counts}>
          <li>{text('ledger.moments', { moments })}</li>
          {ledger.map(({ outcome, moments }) => (
            <li key={outcome}>
              <b>{formatNumber(moments)}</b> {text(`outcome.${outcome}`)}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
