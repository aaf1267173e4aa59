import type { CalendarEntry, CronItem, ScheduleStanding } from '@rigel/api-client';
import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { type Text, useWords } from '../../text/intl.js';
import type { KeyOf } from '../../text/words.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { reasonOf } from '../../ui/region.js';
import { TimeText } from '../../ui/time-text.js';
import { DependencyGraph } from './graph.js';
import { OutcomeBadge, Reason, TaskLinks } from './outcome.js';
import { useLeaveOut } from './reads.js';
import styles from './schedules.module.css';
import { ZonedTime } from './times.js';
import { scheduleWords } from './words.js';

/** How long something that was done at once can be undone beside its button, in milliseconds. */
const UNDO_MS = 10_000;

export type ScheduleText = Text<KeyOf<typeof scheduleWords>>;

/** What an item does: "→ 20 nodes", "batches of 10 %". */
export function itemWords(
  item: Omit<CronItem, 'id'>,
  type: ScheduleStanding['type'],
  text: ScheduleText,
): string {
  if (type === 'expand') return `→ ${text('nodes', { count: item.instance_num })}`;
  return text('batches', { ratio: item.concurr_ratio || 100, count: item.concurr_num });
}

const DAYS = ['day.0', 'day.1', 'day.2', 'day.3', 'day.4', 'day.5', 'day.6', 'day.7'] as const;
export const dayWords = (weekDay: number, text: ScheduleText): string => text(DAYS[weekDay] ?? 'day.0');

interface DetailsProps {
  schedule: ScheduleStanding;
  onEdit: () => void;
}

/** A scheduled task: its items, its next moment, what is left out, the pools that follow. */
export function Details({ schedule, onEdit }: DetailsProps): ReactNode {
  const text = useWords(scheduleWords);
  const { type, cron_items, exec_type, zone, next, left_out, state, reason, version, updated_by } = schedule;
  const leaving = useLeaving(schedule.id);
  const impossible = next ? undefined : text('next.none');
  return (
    <div className={styles.details}>
      <div className={styles.buttons}>
        <Button needs="operator" onPress={onEdit}>
          {text('edit')}
        </Button>
        <Button
          needs="operator"
          impossible={impossible}
          isPending={leaving.isPending}
          onPress={() => next && leaving.leaveOut(next.due_at)}
        >
          {text('ignore')}
        </Button>
      </div>
      <LeavingNote leaving={leaving} zone={zone} />
      <dl className={styles.facts}>
        <dt>{text('next')}</dt>
        <dd>
          {next ? (
            <>
              <ZonedTime at={next.due_at} zone={zone} /> {itemWords(next.item, type, text)}
            </>
          ) : (
            text('next.none')
          )}
        </dd>
        {state !== 'idle' && (
          <>
            <dt>{text(`state.${state}`)}</dt>
            <dd>{reason === '' ? '–' : <Reason>{text('waits.for', { reason })}</Reason>}</dd>
          </>
        )}
      </dl>
      {left_out.length > 0 && (
        <section>
          <h3>{text('leftOut')}</h3>
          <ul className={styles.list}>
            {left_out.map(({ due_at, by }) => (
              <li key={due_at}>
                <ZonedTime at={due_at} zone={zone} />{' '}
                <span className={styles.quiet}>{text('leftOut.by', { who: by || text('unknown') })}</span>
                <Button kind="quiet" needs="operator" onPress={() => leaving.takeBack(due_at)}>
                  {text('takeBack')}
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>
          {text('items')} <small className={styles.quiet}>{zone}</small>
        </h3>
        {exec_type === 'depend' || cron_items.length === 0 ? (
          <p className={styles.quiet}>{text('items.none')}</p>
        ) : (
          <ul className={styles.list}>
            {cron_items.map((item) => (
              <li key={item.id} data-ignored={item.ignore || undefined}>
                {dayWords(item.week_day, text)} <b>{item.time}</b> {itemWords(item, type, text)}
                {item.ignore && <small> {text('item.ignored')}</small>}
              </li>
            ))}
          </ul>
        )}
      </section>
      <DependencyGraph schedule={schedule} />
      <p className={styles.quiet}>
        {text('saved', { version, who: updated_by || text('unknown') })}
        {schedule.updated_at !== null && (
          <>
            {' '}
            <TimeText at={schedule.updated_at} />
          </>
        )}
      </p>
      {next && (
        <AsCommand
          request={{
            method: 'POST',
            path: `schedule/${schedule.id}/ignore_next`,
            body: { due_at: next.due_at },
          }}
        />
      )}
    </div>
  );
}

interface Leaving {
  leaveOut: (due_at: string) => void;
  takeBack: (due_at: string) => void;
  isPending: boolean;
  /** The moment that was just left out, as long as it can be undone here. */
  done: string | undefined;
  failure: Error | undefined;
}

/** Leaves moments out at once, and remembers the last one for a while. */
function useLeaving(id: number): Leaving {
  const change = useLeaveOut();
  const [isPending, setPending] = useState(false);
  const [done, setDone] = useState<string>();
  const [failure, setFailure] = useState<Error>();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => setDone(undefined), UNDO_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const act = async (due_at: string, undo: boolean): Promise<void> => {
    setPending(true);
    setFailure(undefined);
    try {
      await change(id, due_at, undo);
      setDone(undo ? undefined : due_at);
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setPending(false);
    }
  };
  return {
    leaveOut: (due_at) => void act(due_at, false),
    takeBack: (due_at) => void act(due_at, true),
    isPending,
    done,
    failure,
  };
}

function LeavingNote({ leaving, zone }: { leaving: Leaving; zone: string }): ReactNode {
  const text = useWords(scheduleWords);
  const { done, failure } = leaving;
  return (
    <>
      <div role="status">
        {done !== undefined && (
          <p className={styles.done}>
            {text('ignore.done')} <ZonedTime at={done} zone={zone} />
            <Button onPress={() => leaving.takeBack(done)}>{text('undo')}</Button>
          </p>
        )}
      </div>
      {failure && (
        <p role="alert" className={styles.failure}>
          {text('failed', { reason: reasonOf(failure) })}
        </p>
      )}
    </>
  );
}

/** One moment of the calendar: what became of it and why, or what it will do. */
export function MomentDetails({ entry }: { entry: CalendarEntry }): ReactNode {
  const text = useWords(scheduleWords);
  const leaving = useLeaving(entry.schedule_id);
  const { outcome, due_at, zone, cause, reason, task_ids, previous_task_ids, item, type, left_out_by } =
    entry;
  const isToCome = entry.recorded_at === null;
  const waited =
    outcome === 'waiting' || outcome === 'firing' || outcome === 'caught_up' || outcome === 'skipped';
  return (
    <section className={styles.momentBox} aria-label={text('moment')}>
      <h3>
        <OutcomeBadge outcome={outcome} />
      </h3>
      <dl className={styles.facts}>
        <dt>{text('due')}</dt>
        <dd>
          <ZonedTime at={due_at} zone={zone} />
          <br />
          <span className={styles.quiet}>
            <ZonedTime at={due_at} zone={undefined} />
          </span>
        </dd>
        <dt>{text('cause')}</dt>
        <dd>
          {text(`cause.${cause}`)}: {dayWords(item.week_day, text)} {item.time} {itemWords(item, type, text)}
        </dd>
        {(reason !== '' || left_out_by !== '') && (
          <>
            <dt>{text('reason')}</dt>
            <dd>{reason === '' ? text('leftOut.by', { who: left_out_by }) : <Reason>{reason}</Reason>}</dd>
          </>
        )}
        {!isToCome && (
          <>
            <dt>{text('tasks')}</dt>
            <dd>
              <TaskLinks ids={task_ids} />
            </dd>
          </>
        )}
        {waited && previous_task_ids.length > 0 && (
          <>
            <dt>{text('previous')}</dt>
            <dd>
              <TaskLinks ids={previous_task_ids} />
            </dd>
          </>
        )}
        {entry.recorded_at !== null && (
          <>
            <dt>{text('recorded')}</dt>
            <dd>
              <TimeText at={entry.recorded_at} />
            </dd>
          </>
        )}
      </dl>
      {outcome === 'planned' && (
        <Button needs="operator" isPending={leaving.isPending} onPress={() => leaving.leaveOut(due_at)}>
          {text('ignore.this')}
        </Button>
      )}
      {isToCome && left_out_by !== '' && (
        <Button needs="operator" isPending={leaving.isPending} onPress={() => leaving.takeBack(due_at)}>
          {text('takeBack')}
        </Button>
      )}
      <LeavingNote leaving={leaving} zone={zone} />
    </section>
  );
}

/** The heading of the panel: the pool, a link, and the type. */
export function ScheduleName({ schedule }: { schedule: ScheduleStanding }): ReactNode {
  const text = useWords(scheduleWords);
  const { pool_id, pool_name, type } = schedule;
  return (
    <>
      <Link href={to.pool(pool_id)}>{pool_name || `#${pool_id}`}</Link> {text(`type.${type}`)}
    </>
  );
}
