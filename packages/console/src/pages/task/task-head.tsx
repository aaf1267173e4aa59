import type { TaskInfo } from '@rigel/api-client';
import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { STATES, StateBadge, StateBar, StateLegend } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** What the task is and how long it has taken. */
export function TaskFacts({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const { end_reason, occurrence, budget } = task;
  return (
    <>
      <StateBadge state={STATES[task.state] ?? 'initial'} />
      <ul className={styles.facts}>
        {task.state === 4 && end_reason === '' && <li>{text('paused')}</li>}
        {end_reason !== '' && <li>{text(`end.${end_reason}`)}</li>}
        <li>
          <Link href={to.pool(task.pool_id)}>{task.pool_name}</Link>
        </li>
        <li>{task.one_off ? text('head.oneOff') : text('head.template', { name: task.template_name })}</li>
        {task.again_of !== undefined && (
          <li>
            <Link href={to.task(task.again_of)}>{text('head.again', { id: task.again_of })}</Link>
          </li>
        )}
        <li>
          {occurrence ? (
            <>
              {text('head.schedule', { id: occurrence.schedule_id })} <TimeText at={occurrence.due_at} />
            </>
          ) : (
            <>
              {text('head.by', { user: task.opr_user })}, <TimeText at={task.created_at} />
            </>
          )}
        </li>
        <li>
          <Taken task={task} />
        </li>
        {task.deadline_at !== null && (
          <li>
            {text('head.limit')} <TimeText at={task.deadline_at} withDate={false} />
          </li>
        )}
        {budget !== null && (
          <li data-warning={task.failed > budget * 0.5 || undefined}>
            {text('head.budget', { failed: formatNumber(task.failed), budget: formatNumber(budget) })}
          </li>
        )}
      </ul>
    </>
  );
}

/** How long the task has taken, to the second while it goes on. */
function Taken({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const [readAt, setReadAt] = useState(() => Date.now());
  const [now, setNow] = useState(readAt);
  const goesOn = task.started_at !== null && task.ended_at === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: with each reading the time since then begins again.
  useEffect(() => {
    setReadAt(Date.now());
    setNow(Date.now());
  }, [task.duration_ms]);
  useEffect(() => {
    if (!goesOn) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [goesOn]);
  if (task.duration_ms === null) return text('head.not_begun');
  if (!goesOn) return text('head.took', { time: durationText(task.duration_ms) });
  const seconds = Math.round((task.duration_ms + Math.max(0, now - readAt)) / 1_000);
  return text('head.for', { time: durationText(seconds * 1_000) });
}

/** The nodes by state, as a bar and in numbers. */
export function TaskProgress({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  return (
    <div className={styles.progress}>
      <StateBar counts={task.stat} />
      <div className={styles.legend}>
        <StateLegend counts={task.stat} />
        {task.ignored > 0 && <span>{text('head.ignored', { count: task.ignored })}</span>}
        {task.batches > 1 && (
          <span className={styles.batchOf}>
            {text('head.batch', { batch: task.batch, batches: task.batches })}
          </span>
        )}
      </div>
    </div>
  );
}
