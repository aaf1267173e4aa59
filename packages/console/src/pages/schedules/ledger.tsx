import type { CalendarEntry, ScheduleStanding } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { useQueryParam } from '../../app/query-param.js';
import { saveFile } from '../../text/csv.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Region, reasonOf } from '../../ui/region.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { ledgerCsv } from './csv.js';
import { OutcomeBadge, OutcomeShape, Reason, TaskLinks } from './outcome.js';
import { MOST_ROWS, readLedger, useLedger } from './reads.js';
import styles from './schedules.module.css';
import { ZonedTime } from './times.js';
import { scheduleWords } from './words.js';

const RANGES = ['7', '30', '90'] as const;
type Range = (typeof RANGES)[number];

const IN_SUM = [
  'fired',
  'caught_up',
  'nothing_to_do',
  'skipped',
  'ignored',
  'waiting',
  'firing',
  'not_noticed',
] as const;

/** Whether each moment of a scheduled task has its outcome: the sum, and the moments, newest first. */
export function Ledger({ schedule }: { schedule: ScheduleStanding }): ReactNode {
  const text = useWords(scheduleWords);
  const { formatNumber } = useIntl();
  const [chosen, choose] = useQueryParam('days', '30');
  const days: Range = RANGES.find((range) => range === chosen) ?? '30';
  const query = useLedger(schedule.id, Number(days));
  const [failure, setFailure] = useState<Error>();
  const exportAll = async (): Promise<void> => {
    setFailure(undefined);
    try {
      const to = new Date().toISOString();
      const from = new Date(Date.parse(to) - Number(days) * 86_400_000).toISOString();
      const rows: CalendarEntry[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: Awaited<ReturnType<typeof readLedger>> = await readLedger(
          schedule.id,
          { from, to },
          cursor,
        );
        rows.push(...page.rows);
        cursor = page.next;
      }
      saveFile(`schedule-${schedule.id}-${from.slice(0, 10)}-${to.slice(0, 10)}.csv`, ledgerCsv(rows));
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const columns: Column<CalendarEntry>[] = [
    {
      name: 'schedule',
      title: text('ledger.due.schedule'),
      width: 'minmax(150px, 212px)',
      narrow: 'first',
      cell: (row) => <ZonedTime at={row.due_at} zone={row.zone} />,
    },
    {
      name: 'mine',
      title: text('ledger.due.mine'),
      width: 'minmax(150px, 212px)',
      narrow: 'hidden',
      cell: (row) => <ZonedTime at={row.due_at} zone={undefined} />,
    },
    {
      name: 'cause',
      title: text('cause'),
      width: '72px',
      narrow: 'hidden',
      cell: (row) => text(`cause.${row.cause}`),
    },
    {
      name: 'outcome',
      title: text('outcome'),
      width: '120px',
      narrow: 'first',
      cell: (row) => <OutcomeBadge outcome={row.outcome} />,
    },
    { name: 'tasks', title: text('tasks'), width: '90px', cell: (row) => <TaskLinks ids={row.task_ids} /> },
    {
      name: 'reason',
      title: text('reason'),
      width: 'minmax(100px, 1fr)',
      cell: (row) => (row.reason === '' ? '–' : <Reason>{row.reason}</Reason>),
    },
  ];
  return (
    <section className={styles.ledger} aria-labelledby="ledger-title">
      <header className={styles.ledgerHead}>
        <h2 id="ledger-title">{text('ledger')}</h2>
        <Choice
          label={text('ledger.range')}
          value={days}
          choices={RANGES.map((range) => [range, text('ledger.days', { days: range })])}
          onChange={choose}
        />
        <Button onPress={() => void exportAll()}>{text('ledger.export')}</Button>
      </header>
      {failure && (
        <p role="alert" className={styles.failure}>
          {text('failed', { reason: reasonOf(failure) })}
        </p>
      )}
      <Region
        what={text('ledger')}
        query={query}
        isEmpty={({ sum }) => sum.moments === 0}
        empty={<p className={styles.note}>{text('ledger.empty')}</p>}
      >
        {({ sum, differences, difference_count, rows, next }) => (
          <>
            <p className={styles.sum}>
              <b>{text('ledger.moments', { count: sum.moments })}</b> ={' '}
              {IN_SUM.filter((name) => sum[name] > 0).map((name, index) => (
                <span key={name} data-outcome={name}>
                  {index > 0 && <span className={styles.plus}> + </span>}
                  {name !== 'not_noticed' && <OutcomeShape outcome={name} />} {formatNumber(sum[name])}{' '}
                  {text(`outcome.${name}`)}
                </span>
              ))}
              <span className={styles.verdict} data-balanced={sum.balanced}>
                {sum.balanced
                  ? `✓ ${text('ledger.balanced')}`
                  : `✗ ${text('ledger.difference', { count: difference_count })}`}
              </span>
            </p>
            {differences.length > 0 && (
              <ul className={styles.differences} role="alert">
                {differences.map(({ due_at, cause, what }) => (
                  <li key={`${due_at} ${cause}`}>
                    <ZonedTime at={due_at} zone={schedule.zone} /> {text(`cause.${cause}`)}:{' '}
                    {text(`ledger.${what}`)}
                  </li>
                ))}
              </ul>
            )}
            <div className={styles.ledgerTable}>
              <VirtualTable
                label={text('ledger')}
                columns={columns}
                rows={rows}
                keyOf={(row) => `${row.due_at} ${row.cause}`}
              />
            </div>
            {next !== null && <p className={styles.note}>{text('ledger.more', { count: MOST_ROWS })}</p>}
          </>
        )}
      </Region>
    </section>
  );
}
