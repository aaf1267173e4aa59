import { type Task, unwrap } from '@rigel/api-client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useIntl, useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { type Chip, FilterChips } from '../../ui/chips.js';
import { Select, TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge, StateBar } from '../../ui/state.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { TimeText } from '../../ui/time-text.js';
import { queryOf, readFilter, TASK_FILTERS, type TaskFilter } from './filter.js';
import { MANY_ACTIONS, type ManyAction } from './many-actions.js';
import many from './many-tasks.module.css';
import { manyWords } from './many-words.js';
import { SavedFilters } from './saved-filters.js';
import styles from './tasks-page.module.css';
import { tasksWords } from './words.js';

/** The list is in the entry of the console; the dialog and its plans are loaded when it opens. */
const ManyTasks = lazy(async () => ({ default: (await import('./many-tasks.js')).ManyTasks }));

const PAGE = 100;
const POLL_MS = 3_000;

/** All tasks, newest first, with filters that stand in the address. */
export function TasksPage(): ReactNode {
  const text = useWords(tasksWords);
  const common = useWords();
  const [, navigate] = useLocation();
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  const sort = filter.sort ?? 'created';
  const query = useInfiniteQuery({
    queryKey: ['tasks', filter],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET('/task/find', {
          params: { query: { ...filter, limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
    // The longer the list on the screen, the less often all of it is read again.
    refetchInterval: ({ state: { data } }) => POLL_MS * Math.max(1, data?.pages.length ?? 1),
  });
  const set = (name: keyof TaskFilter, value: string): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        if (value === '') after.delete(name);
        else after.set(name, value);
        return after;
      },
      { replace: true },
    );
  const chips = useChips(filter, (name) => set(name, ''));
  const isFiltered = chips.length > 0;
  return (
    <div className={styles.page}>
      <Heading title={common('page.tasks')}>
        <div className={styles.actions}>
          <Button kind="primary" needs="operator" onPress={() => navigate(to.newTask())}>
            {common('page.newTask')}
          </Button>
        </div>
      </Heading>
      <div className={styles.tools}>
        <div className={styles.find}>
          <TextInput
            label={text('find')}
            value={filter.q ?? ''}
            onChange={(q) => set('q', q)}
            type="search"
          />
        </div>
        <Select
          label={text('state')}
          value={['0', '1', '2', '3', '4'].includes(filter.state ?? '') ? (filter.state ?? '') : ''}
          choices={[
            ['', text('any')],
            ...STATES.map((name, number) => [String(number), text(`state.${name}`)] as const),
          ]}
          onChange={(state) => set('state', state)}
        />
        <Select
          label={text('by')}
          value={filter.flow_type ?? ''}
          choices={[
            ['', text('any')],
            ['manual', text('by.manual')],
            ['crontab', text('by.crontab')],
          ]}
          onChange={(by) => set('flow_type', by)}
        />
        <Select
          label={text('order')}
          value={sort}
          choices={(['created', 'updated', 'duration', 'failed'] as const).map(
            (name) => [name, text(`order.${name}`)] as const,
          )}
          onChange={(order) => set('sort', order === 'created' ? '' : order)}
        />
        <SavedFilters
          query={queryOf(filter)}
          onUse={(query) => navigate(query === '' ? to.tasks() : `${to.tasks()}?${query}`)}
        />
      </div>
      <FilterChips
        chips={chips}
        onClear={() =>
          setParams((before) => {
            const after = new URLSearchParams(before);
            for (const name of TASK_FILTERS) if (name !== 'sort') after.delete(name);
            return after;
          })
        }
      />
      <Region
        what={common('page.tasks')}
        query={query}
        isEmpty={({ pages }) => pages[0]?.rows.length === 0}
        empty={
          <div className={styles.empty}>
            <p>{text(isFiltered ? 'none' : 'nothing')}</p>
            {!isFiltered && (
              <AsCommand
                request={{
                  method: 'POST',
                  path: 'task/create',
                  body: { template_id: 1, task_name: 'first', nodes: ['10.0.0.7'], params: {} },
                }}
              />
            )}
          </div>
        }
      >
        {({ pages }) => (
          <TaskTable
            // Another filter is another list, in which nothing is new yet.
            key={JSON.stringify(filter)}
            rows={pages.flatMap(({ rows }) => rows)}
            gathersNew={sort === 'created'}
            onEnd={() => {
              if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
            }}
          />
        )}
      </Region>
    </div>
  );
}

function useChips(filter: TaskFilter, remove: (name: keyof TaskFilter) => void): Chip[] {
  const text = useWords(tasksWords);
  const words: Partial<Record<keyof TaskFilter, [name: string, value: string | undefined]>> = {
    state: [
      text('state'),
      filter.state
        ?.split(',')
        .map((one) => text(`state.${STATES[Number(one)] ?? 'initial'}`))
        .join(', '),
    ],
    end_reason: [text('says'), filter.end_reason],
    pool_id: [text('pool'), filter.pool_id],
    service_id: [text('filter.service'), numberText(filter.service_id)],
    cluster_id: [text('filter.cluster'), numberText(filter.cluster_id)],
    template_id: [text('filter.template'), numberText(filter.template_id)],
    opr_user: [text('who'), filter.opr_user],
    flow_type: [text('by'), filter.flow_type && text(`by.${filter.flow_type}`)],
    schedule_id: [text('filter.schedule'), numberText(filter.schedule_id)],
    node: [text('filter.node'), numberText(filter.node)],
    from: [text('filter.from'), filter.from],
    to: [text('filter.to'), filter.to],
    active: [text('filter.active'), filter.active === undefined ? undefined : '✓'],
    q: [text('filter.q'), filter.q],
  };
  return Object.entries(words).flatMap(([field, [name, value]]) =>
    value === undefined ? [] : [{ name, value, onRemove: () => remove(field as keyof TaskFilter) }],
  );
}

const numberText = (number: number | undefined): string | undefined =>
  number === undefined ? undefined : String(number);

interface TaskTableProps {
  rows: readonly Task[];
  /** New tasks wait above the list until somebody wants to see them: no row moves under the pointer. */
  gathersNew: boolean;
  onEnd: () => void;
}

function TaskTable({ rows, gathersNew, onEnd }: TaskTableProps): ReactNode {
  const common = useWords();
  const text = useWords(tasksWords);
  const { formatNumber } = useIntl();
  const [, navigate] = useLocation();
  const manyText = useWords(manyWords);
  const [selected, setSelected] = useState<ReadonlySet<string | number>>(new Set());
  const [asked, setAsked] = useState<{ action: ManyAction; tasks: readonly Task[] }>();
  const chosen = rows.filter(({ id }) => selected.has(id));
  const newest = rows[0]?.id ?? 0;
  const [top, setTop] = useState(newest);
  // A list without rows has shown none yet.
  useEffect(() => setTop((before) => (before === 0 ? newest : before)), [newest]);
  const shown = gathersNew ? rows.filter(({ id }) => id <= top) : rows;
  const waiting = rows.length - shown.length;
  const columns: Column<Task>[] = [
    {
      name: 'id',
      title: text('id'),
      width: '56px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ id }) => <span className={styles.id}>#{id}</span>,
    },
    {
      name: 'name',
      title: text('name'),
      width: 'minmax(140px, 2fr)',
      narrow: 'first',
      cell: ({ id, task_name }) => <Link href={to.task(id)}>{task_name}</Link>,
    },
    {
      name: 'pool',
      title: text('pool'),
      width: 'minmax(80px, 1fr)',
      narrow: 'hidden',
      cell: ({ pool_name }) => pool_name,
    },
    {
      name: 'state',
      title: text('state'),
      width: '144px',
      narrow: 'first',
      cell: ({ state }) => <StateBadge state={STATES[state] ?? 'initial'} />,
    },
    {
      name: 'progress',
      title: text('progress'),
      width: 'minmax(80px, 1fr)',
      narrow: 'hidden',
      cell: ({ stat }) => <StateBar counts={stat} />,
    },
    {
      name: 'batch',
      title: text('batch'),
      width: '70px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ batch, batches }) => (batches > 1 ? `${formatNumber(batch)} / ${formatNumber(batches)}` : ''),
    },
    { name: 'says', title: text('says'), width: 'minmax(100px, 1fr)', cell: (task) => <Says task={task} /> },
    {
      name: 'who',
      title: text('who'),
      width: 'minmax(60px, 100px)',
      narrow: 'hidden',
      cell: ({ opr_user }) => opr_user,
    },
    {
      name: 'created',
      title: text('started'),
      width: '196px',
      cell: ({ created_at }) => <TimeText at={created_at} />,
    },
    {
      name: 'took',
      title: text('took'),
      width: '84px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ duration_ms, ended_at }) =>
        duration_ms === null
          ? ''
          : durationText(ended_at === null ? Math.round(duration_ms / 1_000) * 1_000 : duration_ms),
    },
  ];
  return (
    <>
      {waiting > 0 && (
        <div className={styles.new} role="status">
          <Button kind="quiet" onPress={() => setTop(newest)}>
            {text('new', { count: waiting })}
          </Button>
        </div>
      )}
      {chosen.length > 0 && (
        <div className={many.selection}>
          <span role="status">{manyText('selected', { count: chosen.length })}</span>
          {MANY_ACTIONS.map((action) => (
            <Button
              key={action}
              needs="operator"
              kind={action === 'stop' ? 'danger' : 'plain'}
              onPress={() => setAsked({ action, tasks: chosen })}
            >
              {manyText(`open.${action}`)}
            </Button>
          ))}
          {chosen.length === 2 && (
            <Button
              onPress={() => navigate(to.task(chosen[0]?.id ?? 0, { with: chosen[1]?.id, tab: 'compare' }))}
            >
              {manyText('compare')}
            </Button>
          )}
          <Button kind="quiet" onPress={() => setSelected(new Set())}>
            {manyText('clear')}
          </Button>
        </div>
      )}
      {asked && (
        <Suspense>
          <ManyTasks
            action={asked.action}
            // The lines stay those that were chosen; their numbers follow the list.
            tasks={asked.tasks.map((task) => rows.find(({ id }) => id === task.id) ?? task)}
            onClose={() => setAsked(undefined)}
          />
        </Suspense>
      )}
      <VirtualTable
        label={common('page.tasks')}
        columns={columns}
        rows={shown}
        keyOf={({ id }) => id}
        selected={selected}
        onSelect={({ id }, isSelected) =>
          setSelected((before) => {
            const after = new Set(before);
            if (isSelected) after.add(id);
            else after.delete(id);
            return after;
          })
        }
        onOpen={({ id }) => navigate(to.task(id))}
        onEnd={onEnd}
      />
    </>
  );
}

/** How the task ended, or what is wrong with it so far. */
function Says({ task: { state, end_reason, failed } }: { task: Task }): ReactNode {
  const text = useWords(tasksWords);
  const parts = [
    ...(state === 4 && end_reason === '' ? [text('paused')] : []),
    ...(end_reason === '' || end_reason === 'completed' ? [] : [text(`end.${end_reason}`)]),
    ...(failed > 0 ? [text('failed', { count: failed })] : []),
  ];
  return <span title={parts.join(', ')}>{parts.join(', ')}</span>;
}
