import type { CalendarEntry, ScheduleStanding } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useSearchParams } from 'wouter';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Select } from '../../ui/field.js';
import { SidePanel, WithPanel } from '../../ui/panel.js';
import { Region } from '../../ui/region.js';
import { Calendar, keyOf, Legend } from './calendar.js';
import { Details, MomentDetails, ScheduleName } from './details.js';
import { Editor } from './editor.js';
import { Ledger } from './ledger.js';
import { OUTCOMES, type Outcome } from './outcome.js';
import { MOST_ROWS, useSchedules, useWeek } from './reads.js';
import { ScheduleLine } from './schedule-line.js';
import styles from './schedules.module.css';
import { scheduleWords } from './words.js';
import { addDays, isDay, mondayOf, wallTime, ZONES, type ZoneChoice } from './zones.js';

/** The week of all pools by the clock, what became of each moment, and the ledger and editor of the chosen schedule. */
export function SchedulesPage(): ReactNode {
  const text = useWords(scheduleWords);
  const common = useWords();
  const [edit, setEdit] = useQueryParam('edit');
  const schedules = useSchedules();
  return (
    <>
      <Heading title={common('page.schedules')}>
        <Button kind="primary" needs="operator" onPress={() => setEdit('new')}>
          {text('new')}
        </Button>
      </Heading>
      <Region
        what={text('schedules')}
        query={schedules}
        isEmpty={(rows) => rows.length === 0 && edit !== 'new'}
        empty={<FirstUse />}
      >
        {(rows) => <Schedules rows={rows} edit={edit} setEdit={setEdit} />}
      </Region>
    </>
  );
}

function FirstUse(): ReactNode {
  const text = useWords(scheduleWords);
  return (
    <div className={styles.first}>
      <h2>{text('none.title')}</h2>
      <p>{text('none.what')}</p>
      <AsCommand
        request={{
          method: 'POST',
          path: 'task/saveTask',
          body: {
            id: 0,
            pool_id: 1,
            type: 'expand',
            exec_type: 'crontab',
            cron_itmes: [{ week_day: 0, time: '08:00', instance_num: 20 }],
            depend_itmes: [],
          },
        }}
      />
    </div>
  );
}

interface SchedulesProps {
  rows: readonly ScheduleStanding[];
  edit: string;
  setEdit: (edit: string) => void;
}

function Schedules({ rows, edit, setEdit }: SchedulesProps): ReactNode {
  const text = useWords(scheduleWords);
  const [params, setParams] = useSearchParams();
  const today = wallTime(Date.now(), undefined).date;
  const asked = params.get('week') ?? '';
  const monday = mondayOf(isDay(asked) ? asked : today);
  const pool = Number(params.get('pool')) || undefined;
  const type = params.get('type') ?? '';
  const outcome = params.get('outcome') ?? '';
  const zone: ZoneChoice = ZONES.find((choice) => choice === params.get('zone')) ?? 'schedule';
  const opened = params.get('moment') ?? '';
  const week = useWeek(monday, pool, type === 'expand' || type === 'upload' ? type : '');
  const chosen = rows.find(({ id }) => id === Number(params.get('schedule')));
  const set = (changes: Record<string, string | undefined>): void =>
    setParams((before) => {
      const after = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined || value === '') after.delete(name);
        else after.set(name, value);
      }
      return after;
    });
  const open = (entry: CalendarEntry): void =>
    set({ schedule: String(entry.schedule_id), moment: keyOf(entry), edit: undefined });
  const close = (): void => set({ schedule: undefined, moment: undefined, edit: undefined });
  const pools = new Map(rows.map(({ pool_id, pool_name }) => [pool_id, pool_name || `#${pool_id}`]));
  const moment = week.data?.rows.find((entry) => keyOf(entry) === opened);
  const panel =
    edit === 'new' ? (
      <SidePanel title={text('new.title')} onClose={close}>
        <Editor key="new" schedule={undefined} onClose={close} />
      </SidePanel>
    ) : (
      chosen && (
        <SidePanel title={<ScheduleName schedule={chosen} />} onClose={close}>
          {edit === '' ? (
            <>
              {moment && <MomentDetails key={opened} entry={moment} />}
              <Details key={chosen.id} schedule={chosen} onEdit={() => setEdit('this')} />
            </>
          ) : (
            <Editor key={chosen.id} schedule={chosen} onClose={() => setEdit('')} />
          )}
        </SidePanel>
      )
    );
  // The first one is being made: there is nothing to filter yet.
  if (rows.length === 0)
    return (
      <WithPanel panel={panel}>
        <FirstUse />
      </WithPanel>
    );
  return (
    <WithPanel panel={panel}>
      <div className={styles.page}>
        <div className={styles.filters}>
          <div className={styles.weeks}>
            <Button label={text('week.before')} onPress={() => set({ week: addDays(monday, -7) })}>
              ◂
            </Button>
            <span>{text('week', { date: monday })}</span>
            <Button label={text('week.after')} onPress={() => set({ week: addDays(monday, 7) })}>
              ▸
            </Button>
            {monday !== mondayOf(today) && (
              <Button kind="quiet" onPress={() => set({ week: undefined })}>
                {text('week.this')}
              </Button>
            )}
          </div>
          <Select
            label={text('pool')}
            value={String(pool ?? '')}
            choices={[['', text('all')], ...[...pools].map(([id, name]) => [String(id), name] as const)]}
            onChange={(id) => set({ pool: id })}
          />
          <Select
            label={text('type')}
            value={type}
            choices={[
              ['', text('all')],
              ['expand', text('type.expand')],
              ['upload', text('type.upload')],
            ]}
            onChange={(chosenType) => set({ type: chosenType })}
          />
          <Select
            label={text('outcome')}
            value={outcome}
            choices={[['', text('all')], ...OUTCOMES.map((name) => [name, text(`outcome.${name}`)] as const)]}
            onChange={(name) => set({ outcome: name })}
          />
          <Choice
            label={text('zone')}
            value={zone}
            choices={ZONES.map((name) => [name, text(`zone.${name}`)])}
            onChange={(name) => set({ zone: name === 'schedule' ? undefined : name })}
          />
        </div>
        <Region what={text('calendar')} query={week}>
          {({ rows: entries, isCut }) => {
            const shown = entries.filter((entry) => outcome === '' || entry.outcome === (outcome as Outcome));
            return (
              <>
                <Calendar monday={monday} rows={shown} zone={zone} opened={opened} onOpen={open} />
                <Legend outcomes={OUTCOMES.filter((name) => shown.some((entry) => entry.outcome === name))} />
                {isCut && <p className={styles.note}>{text('more.week', { count: MOST_ROWS })}</p>}
              </>
            );
          }}
        </Region>
        {chosen ? (
          <Ledger key={chosen.id} schedule={chosen} />
        ) : (
          <section className={styles.ledger} aria-labelledby="list-title">
            <h2 id="list-title">{text('list.title')}</h2>
            <ul className={styles.lines}>
              {rows
                .filter(
                  (row) => (pool === undefined || row.pool_id === pool) && (type === '' || row.type === type),
                )
                .slice(0, MOST_LINES)
                .map((row) => (
                  <li key={row.id}>
                    <ScheduleLine schedule={row} />
                  </li>
                ))}
            </ul>
          </section>
        )}
      </div>
    </WithPanel>
  );
}

/** Lines of the list that are drawn; with more schedules a pool is chosen. */
const MOST_LINES = 200;
