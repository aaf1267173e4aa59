import type { TaskInfo } from '@rigel/api-client';
import { type ReactNode, useMemo } from 'react';
import { Link } from 'wouter';
import { to } from '../../../app/addresses.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { CopyButton } from '../../../ui/copy.js';
import { Select, TextInput } from '../../../ui/field.js';
import { useManner } from '../../../ui/refusal.js';
import { Region } from '../../../ui/region.js';
import { type Column, VirtualTable } from '../../../ui/table.js';
import { TimeText } from '../../../ui/time-text.js';
import type { useGrid } from '../grid/use-grid.js';
import styles from '../task.module.css';
import { taskWords } from '../words.js';
import { type EventKind, KINDS, type TaskEventRow, tellEvent } from './event-text.js';
import { eventWords } from './event-words.js';
import { type EventFilter, useEvents } from './use-events.js';

const NAMES = Object.keys(KINDS) as EventKind[];
const keyOf = ({ version }: TaskEventRow): number => version;

/**
 * What is recorded of a task, the newest last, following while the task goes on. Kind, node and the event that is looked at stand in
 * the address.
 * @param until the page shows the task as it was after this version.
 */
export function EventsTab({
  task,
  grid,
  until,
}: {
  task: TaskInfo;
  /** Tells which run an address is. */
  grid: ReturnType<typeof useGrid>;
  until: number | undefined;
}): ReactNode {
  const text = useWords(eventWords);
  const tab = useWords(taskWords);
  const { formatNumber } = useIntl();
  const manner = useManner();
  const [kindParam, setKind] = useQueryParam('about');
  const [address, setAddress] = useQueryParam('address');
  const [openParam, setOpen] = useQueryParam('event');
  const kind = NAMES.find((name) => name === kindParam);
  const { model } = grid.store;
  const index = address.trim() === '' || !model ? -1 : model.ips.indexOf(address.trim());
  const nsid = index < 0 || !model ? undefined : model.firstId + index;
  const isUnknown = address.trim() !== '' && model !== undefined && index < 0;
  // Until the grid is read, nobody knows which run the address is: no events of other nodes stand there meanwhile.
  const isSought = address.trim() !== '' && !model;
  const filter: EventFilter | undefined = isSought
    ? undefined
    : {
        ...(kind ? { event: KINDS[kind].join(',') } : {}),
        ...(nsid === undefined ? {} : { nsid }),
        ...(until === undefined ? {} : { until }),
      };
  const { loaded, error, loadEarlier, again } = useEvents(task.id, filter, task.version);
  const opened = loaded?.rows.find(({ version }) => String(version) === openParam);
  const columns = useMemo((): Column<TaskEventRow>[] => {
    return [
      {
        name: 'version',
        title: text('events.version'),
        width: '72px',
        align: 'end',
        narrow: 'hidden',
        cell: ({ version }) => formatNumber(version),
      },
      {
        name: 'time',
        title: text('events.time'),
        width: '130px',
        narrow: 'first',
        cell: ({ at }) => <TimeText at={at} withDate={false} />,
      },
      {
        name: 'node',
        title: text('events.node'),
        width: 'minmax(110px, 160px)',
        narrow: 'first',
        cell: ({ data }) =>
          typeof data.node_id === 'number' &&
          typeof data.nsid === 'number' && (
            <Link href={to.task(task.id, { tab: 'events', node: data.node_id })}>
              <code>{typeof data.ip === 'string' && data.ip !== '' ? data.ip : data.node_id}</code>
            </Link>
          ),
      },
      {
        name: 'what',
        title: text('events.what'),
        width: 'minmax(240px, 1fr)',
        cell: (row) => <EventText row={row} told={tellEvent(row, manner)} />,
      },
    ];
  }, [text, formatNumber, manner, task.id]);
  // The rows are no query of the cache, but what was read so far; the region shows it like one.
  const query = {
    data: loaded,
    error: (isSought ? grid.query.error : error) ?? null,
    dataUpdatedAt: loaded?.readAt ?? 0,
    refetch: isSought ? grid.query.refetch : again,
  };
  return (
    <>
      <div className={styles.tools}>
        <Select
          label={text('events.kind')}
          value={kind ?? ''}
          choices={[
            ['', text('kind.all')] as const,
            ...NAMES.map((name) => [name, text(`kind.${name}`)] as const),
          ]}
          onChange={setKind}
        />
        <div className={styles.find}>
          <TextInput
            label={text('events.address')}
            value={address}
            onChange={setAddress}
            type="search"
            isCode
            error={isUnknown ? text('events.noNode') : undefined}
          />
        </div>
        <span className={styles.quiet} role="status">
          {loaded &&
            (loaded.hasEarlier
              ? text('events.count', {
                  count: formatNumber(until ?? task.version),
                  shown: formatNumber(loaded.rows.length),
                })
              : text('events.all', { count: loaded.rows.length }))}
          {until !== undefined && ` ${text('events.until')}`}
        </span>
      </div>
      <Region
        what={tab('tab.events')}
        query={query}
        isEmpty={({ rows }) => rows.length === 0}
        empty={<p className={styles.empty}>{text('events.none')}</p>}
      >
        {({ rows }) => (
          <VirtualTable
            label={tab('tab.events')}
            columns={columns}
            rows={rows}
            keyOf={keyOf}
            opened={opened?.version}
            onOpen={({ version }) => setOpen(String(version))}
            onStart={loadEarlier}
            newestLast
          />
        )}
      </Region>
      {opened && (
        <section className={styles.event} aria-label={text('events.detail', { version: opened.version })}>
          <header>
            <h3>
              {text('events.detail', { version: opened.version })} · <code>{opened.event}</code>
            </h3>
            <TimeText at={opened.at} />
            <Link href={to.task(task.id, { tab: 'events', at: `v${opened.version}`, event: opened.version })}>
              {text('events.at')}
            </Link>
            <CopyButton text={() => JSON.stringify(opened, undefined, 2)}>{text('events.copy')}</CopyButton>
            <Button kind="quiet" onPress={() => setOpen('')}>
              {tab('events.close')}
            </Button>
          </header>
          <pre>{JSON.stringify(opened.data, undefined, 2)}</pre>
        </section>
      )}
    </>
  );
}

const FAILED = /failed|lost|timed_out|exceeded|still_held/;

function EventText({ row, told }: { row: TaskEventRow; told: string }): ReactNode {
  return (
    <span title={told} data-failed={FAILED.test(row.event) || undefined} className={styles.eventText}>
      {told === row.event ? <code>{told}</code> : told}
    </span>
  );
}
