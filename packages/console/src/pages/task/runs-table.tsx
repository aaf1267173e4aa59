import { type RunLine, type TaskInfo, unwrap } from '@rigel/api-client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { api } from '../../api/api.js';
import { useQueryParam } from '../../app/query-param.js';
import { useIntl, useWords } from '../../text/intl.js';
import { type Chip, FilterChips } from '../../ui/chips.js';
import { Select, TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge } from '../../ui/state.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

const SORTS = ['batch', 'address', 'state', 'step', 'attempts', 'updated'] as const;
type Sort = (typeof SORTS)[number];
const FILTERS = ['state', 'batch', 'step', 'reason', 'q'] as const;
const PAGE = 200;

/** The filters of the table that the address names. */
export interface RunFilter {
  state?: string;
  batch?: number;
  step?: string;
  reason?: string;
  q?: string;
}

/** The addresses of all nodes that match, one a line. */
export async function addressesOf(id: number, filter: RunFilter): Promise<string> {
  const ips: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await unwrap(
      api.GET('/task/{id}/runs', {
        params: {
          path: { id },
          query: { ...filter, limit: 1_000, ...(cursor === undefined ? {} : { cursor }) },
        },
      }),
    );
    ips.push(...page.rows.map(({ ip }) => ip));
    if (page.next === null) return ips.join('\n');
    cursor = page.next;
  }
}

/** The nodes of a task as rows, with filters and orders that stand in the address. */
export function RunsTable({ task, tools }: { task: TaskInfo; tools: ReactNode }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const [params, setParams] = useSearchParams();
  const [sortParam, setSort] = useQueryParam('sort', 'batch');
  const [q, setQ] = useQueryParam('q');
  const [node, setNode] = useQueryParam('node', '', 'step');
  const [state, setState] = useQueryParam('state');
  const sort: Sort = SORTS.find((name) => name === sortParam) ?? 'batch';
  const filter = useMemo((): RunFilter => {
    const given = (name: (typeof FILTERS)[number]) => params.get(name) ?? '';
    return {
      ...(given('state') === '' ? {} : { state: given('state') }),
      ...(given('batch') === '' ? {} : { batch: Number(given('batch')) }),
      ...(given('step') === '' ? {} : { step: given('step') }),
      ...(given('reason') === '' ? {} : { reason: given('reason') }),
      ...(given('q') === '' ? {} : { q: given('q') }),
    };
  }, [params]);
  const query = useInfiniteQuery({
    queryKey: ['task', task.id, 'runs', filter, sort],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET('/task/{id}/runs', {
          params: {
            path: { id: task.id },
            query: { ...filter, sort, limit: PAGE, ...(pageParam === '' ? {} : { cursor: pageParam }) },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
    // The longer the list on the screen, the less often all of it is read again.
    refetchInterval: ({ state: { data } }) =>
      task.state === 1 ? 3_000 * Math.max(1, data?.pages.length ?? 1) : false,
  });
  const without = (names: readonly string[]): void =>
    setParams((before) => {
      const after = new URLSearchParams(before);
      for (const name of names) after.delete(name);
      return after;
    });
  const stateWord = (number: string): string => text(`state.${STATES[Number(number)] ?? 'initial'}`);
  const chips: Chip[] = [
    ...(filter.state === undefined
      ? []
      : [
          {
            name: text('runs.state'),
            value: filter.state.split(',').map(stateWord).join(', '),
            onRemove: () => without(['state']),
          },
        ]),
    ...(filter.batch === undefined
      ? []
      : [{ name: text('runs.batch'), value: String(filter.batch), onRemove: () => without(['batch']) }]),
    ...(filter.step === undefined
      ? []
      : [{ name: text('runs.step'), value: filter.step, onRemove: () => without(['step']) }]),
    ...(filter.reason === undefined
      ? []
      : [{ name: text('runs.reason'), value: filter.reason, onRemove: () => without(['reason']) }]),
    ...(filter.q === undefined
      ? []
      : [{ name: text('runs.address'), value: filter.q, onRemove: () => without(['q']) }]),
  ];
  const columns: Column<RunLine>[] = [
    {
      name: 'ip',
      title: text('runs.address'),
      width: 'minmax(162px, 1fr)',
      narrow: 'first',
      cell: ({ ip }) => <code>{ip}</code>,
    },
    {
      name: 'batch',
      title: text('runs.batch'),
      width: '64px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ batch_id }) => formatNumber(batch_id),
    },
    {
      name: 'state',
      title: text('runs.state'),
      width: '144px',
      narrow: 'first',
      cell: (run) => <StateBadge state={STATES[run.state] ?? 'initial'} />,
    },
    { name: 'step', title: text('runs.step'), width: 'minmax(110px, 1fr)', cell: ({ step }) => step },
    {
      name: 'attempts',
      title: text('runs.attempts'),
      width: '88px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ attempts }) => (attempts > 0 ? formatNumber(attempts) : ''),
    },
    {
      name: 'message',
      title: text('runs.message'),
      width: 'minmax(160px, 3fr)',
      cell: ({ message }) => <code title={message}>{message}</code>,
    },
    {
      name: 'updated',
      title: text('runs.updated'),
      width: '128px',
      narrow: 'hidden',
      cell: ({ updated_at }) => <TimeText at={updated_at} withDate={false} />,
    },
  ];
  return (
    <>
      <div className={styles.tools}>
        {tools}
        <Select
          label={text('runs.state')}
          value={['0', '1', '2', '3', '4'].includes(state) ? state : ''}
          choices={[
            ['', text('runs.any')],
            ...['3', '1', '0', '4', '2'].map((one) => [one, stateWord(one)] as const),
          ]}
          onChange={setState}
        />
        <Select
          label={text('grid.order')}
          value={sort}
          choices={SORTS.map((name) => [name, text(`order.${name}`)] as const)}
          onChange={setSort}
        />
        <div className={styles.find}>
          <TextInput label={text('find')} value={q} onChange={setQ} type="search" isCode />
        </div>
      </div>
      <FilterChips chips={chips} onClear={() => without(FILTERS)} />
      <Region
        what={text('what.grid')}
        query={query}
        isEmpty={({ pages }) => pages[0]?.rows.length === 0}
        empty={<p className={styles.empty}>{text('runs.none')}</p>}
      >
        {({ pages }) => (
          <VirtualTable
            label={text('tab.nodes')}
            columns={columns}
            rows={pages.flatMap(({ rows }) => rows)}
            keyOf={({ node_id }) => node_id}
            onOpen={(run) => setNode(String(run.node_id))}
            opened={node === '' ? undefined : Number(node)}
            onEnd={() => {
              if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
            }}
          />
        )}
      </Region>
    </>
  );
}
