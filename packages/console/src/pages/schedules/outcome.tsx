import type { CalendarEntry } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';

export type Outcome = CalendarEntry['outcome'];

export const OUTCOMES: readonly Outcome[] = [
  'fired',
  'caught_up',
  'nothing_to_do',
  'skipped',
  'ignored',
  'waiting',
  'firing',
  'planned',
];

const line = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.6 } as const;

/** Each outcome has a shape of its own. */
const SHAPES: Record<Outcome, ReactNode> = {
  fired: <path d="M1 5.5l2.7 2.7L9 2" {...line} />,
  caught_up: <path d="M1.5 8a3.6 3.6 0 1 1 6.6-1.6M8.6 3.2l-.5 3.3-3.2-.6" {...line} />,
  nothing_to_do: <path d="M1.5 3.5h7m-7 3.2h7" {...line} />,
  skipped: <rect x="1.5" y="1.5" width="7" height="7" fill="currentColor" />,
  ignored: <path d="M5 1.2a3.8 3.8 0 1 0 .01 0M2.4 7.6l5.2-5.2" {...line} />,
  waiting: <circle cx="5" cy="5" r="3.6" {...line} strokeDasharray="2 1.8" />,
  firing: <path d="M2 1l7 4-7 4z" fill="currentColor" />,
  planned: <circle cx="5" cy="5" r="3.6" {...line} />,
};

export function OutcomeShape({ outcome }: { outcome: Outcome }): ReactNode {
  return (
    <svg viewBox="0 0 10 10" className={styles.shape} aria-hidden="true">
      {SHAPES[outcome]}
    </svg>
  );
}

/** An outcome in shape, colour and word. */
export function OutcomeBadge({ outcome }: { outcome: Outcome }): ReactNode {
  const text = useWords(scheduleWords);
  return (
    <span className={styles.badge} data-outcome={outcome}>
      <OutcomeShape outcome={outcome} />
      {text(`outcome.${outcome}`)}
    </span>
  );
}

/** Tasks by their numbers, each a link. */
export function TaskLinks({ ids }: { ids: readonly number[] }): ReactNode {
  if (ids.length === 0) return '–';
  return (
    <span className={styles.links}>
      {ids.map((id) => (
        <Link key={id} href={to.task(id)}>
          #{id}
        </Link>
      ))}
    </span>
  );
}

/** A reason as the API tells it; each task that it names is a link. */
export function Reason({ children }: { children: string }): ReactNode {
  let at = 0;
  return children.split(/(\btask \d+\b)/).map((part) => {
    const key = at;
    at += part.length;
    const id = /^task (\d+)$/.exec(part)?.[1];
    if (id === undefined) return part;
    return (
      <Link key={key} href={to.task(Number(id))}>
        {part}
      </Link>
    );
  });
}
