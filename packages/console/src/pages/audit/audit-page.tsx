import { type AuditEntry, unwrap } from '@rigel/api-client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'wouter';
import { api } from '../../api/api.js';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useWho } from '../../app/role.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { FilterChips } from '../../ui/chips.js';
import { Select, TextInput } from '../../ui/field.js';
import { NeedsRole } from '../../ui/needs-role.js';
import { WithPanel } from '../../ui/panel.js';
import { Region } from '../../ui/region.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './audit-page.module.css';
import { ExportButtons } from './export-buttons.js';
import { AUDIT_FILTERS, type AuditFilter, OUTCOMES, readFilter } from './filter.js';
import { LinePanel, Target } from './line-panel.js';
import { OutcomeBadge } from './outcome-badge.js';
import { auditWords } from './words.js';

const PAGE = 100;
const POLL_MS = 5_000;

/** Who did what to what, and what was not let happen, newest first. */
export function AuditPage(): ReactNode {
  const common = useWords();
  const who = useWho();
  const [params] = useSearchParams();
  const filter = useMemo(() => readFilter(params), [params]);
  return (
    <div className={styles.page}>
      <Heading title={common('page.audit')}>{who.may('admin') && <ExportButtons filter={filter} />}</Heading>
      <NeedsRole needed="admin">
        <Audit filter={filter} />
      </NeedsRole>
    </div>
  );
}

function Audit({ filter }: { filter: AuditFilter }): ReactNode {
  const text = useWords(auditWords);
  const [, setParams] = useSearchParams();
  const [opened, open] = useQueryParam('line');
  const query = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET('/audit', {
          params: {
            query: { ...filter, page_size: PAGE, ...(pageParam === 0 ? {} : { before: pageParam }) },
          },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (lines) => (lines.length < PAGE ? undefined : lines.at(-1)?.id),
    placeholderData: keepPreviousData,
    // The longer the list on the screen, the less often all of it is read again.
    refetchInterval: ({ state: { data } }) => POLL_MS * Math.max(1, data?.pages.length ?? 1),
  });
  const change = (values: Partial<Record<keyof AuditFilter, string>>): void =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(values)) {
          if (value === '') after.delete(name);
          else after.set(name, value);
        }
        return after;
      },
      { replace: true },
    );
  const lines = query.data?.pages.flat() ?? [];
  const line = lines.find(({ id }) => String(id) === opened);
  const chips = chipsOf(filter, text, (name) => change({ [name]: '' }));
  return (
    <WithPanel panel={line && <LinePanel line={line} onClose={() => open('')} />}>
      <div className={styles.list}>
        <Tools filter={filter} change={change} />
        <div className={styles.chips}>
          <FilterChips
            chips={chips}
            onClear={() => change(Object.fromEntries(AUDIT_FILTERS.map((name) => [name, ''])))}
          />
        </div>
        <Region
          what={text('lines')}
          query={query}
          isEmpty={({ pages }) => pages[0]?.length === 0}
          empty={<p className={styles.empty}>{text(chips.length > 0 ? 'none' : 'nothing')}</p>}
        >
          {() => (
            <Lines
              // Another filter is another list, in which nothing is new yet.
              key={JSON.stringify(filter)}
              lines={lines}
              opened={line?.id}
              onOpen={({ id }) => open(String(id))}
              onEnd={() => {
                if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
              }}
            />
          )}
        </Region>
      </div>
    </WithPanel>
  );
}

interface ToolsProps {
  filter: AuditFilter;
  change: (values: Partial<Record<keyof AuditFilter, string>>) => void;
}

const HOUR_MS = 3_600_000;
const PERIODS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 168 * HOUR_MS } as const;
type Period = keyof typeof PERIODS;

function Tools({ filter, change }: ToolsProps): ReactNode {
  const text = useWords(auditWords);
  return (
    <div className={styles.tools}>
      {(['operator', 'action', 'target'] as const).map((name) => (
        <FilterField
          key={name}
          label={text(name)}
          value={filter[name] ?? ''}
          onChange={(value) => change({ [name]: value })}
        />
      ))}
      <div>
        <Select
          label={text('outcome')}
          value={filter.outcome ?? ''}
          choices={[['', text('any')], ...OUTCOMES.map((one) => [one, text(`outcome.${one}`)] as const)]}
          onChange={(outcome) => change({ outcome })}
        />
      </div>
      <div>
        <Select<'' | 'chosen' | Period>
          label={text('since')}
          value={filter.from === undefined ? '' : 'chosen'}
          choices={[
            ['', text('any')],
            ...(filter.from === undefined ? [] : [['chosen', text('since.chosen')] as const]),
            ...(['hour', 'day', 'week'] as const).map((one) => [one, text(`since.${one}`)] as const),
          ]}
          // A moment and no period, so that a link to the page means the same tomorrow.
          onChange={(one) => {
            if (one === '') change({ from: '' });
            else if (one !== 'chosen') change({ from: new Date(Date.now() - PERIODS[one]).toISOString() });
          }}
        />
      </div>
    </div>
  );
}

/** How long nothing is typed before what was typed counts, in milliseconds: the filter is exact. */
const TYPED_MS = 400;

function FilterField(props: { label: string; value: string; onChange: (value: string) => void }): ReactNode {
  const { label, value, onChange } = props;
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the clock.
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div>
      <TextInput label={label} value={typed} onChange={setTyped} type="search" isCode />
    </div>
  );
}

function chipsOf(
  filter: AuditFilter,
  text: ReturnType<typeof useWords<keyof (typeof auditWords)['en-US']>>,
  remove: (name: keyof AuditFilter) => void,
) {
  const names = {
    operator: text('operator'),
    action: text('action'),
    target: text('target'),
    correlation_id: text('correlation'),
    outcome: text('outcome'),
    from: text('since'),
    to: text('until'),
  };
  return AUDIT_FILTERS.flatMap((name) => {
    const value = filter[name];
    if (value === undefined) return [];
    const words = name === 'outcome' && filter.outcome ? text(`outcome.${filter.outcome}`) : value;
    return [{ name: names[name], value: words, onRemove: () => remove(name) }];
  });
}

interface LinesProps {
  lines: readonly AuditEntry[];
  opened: number | undefined;
  onOpen: (line: AuditEntry) => void;
  onEnd: () => void;
}

function Lines({ lines, opened, onOpen, onEnd }: LinesProps): ReactNode {
  const text = useWords(auditWords);
  const newest = Math.max(0, ...lines.map(({ id }) => id));
  const [top, setTop] = useState(newest);
  // No row moves under the pointer: new lines wait above the list until somebody wants to see them.
  const shown = lines.filter(({ id }) => id <= top);
  const waiting = lines.length - shown.length;
  const sameAsAbove = useMemo(() => {
    const same = new Set<number>();
    shown.forEach(({ id, correlation_id }, index) => {
      if (correlation_id !== '' && shown[index - 1]?.correlation_id === correlation_id) same.add(id);
    });
    return same;
  }, [shown]);
  const columns: Column<AuditEntry>[] = [
    {
      name: 'time',
      title: text('time'),
      width: '194px',
      cell: ({ time_at }) => <TimeText at={time_at} />,
    },
    {
      name: 'outcome',
      title: text('outcome'),
      width: '108px',
      narrow: 'first',
      cell: ({ outcome, times }) => <OutcomeBadge outcome={outcome} times={times} />,
    },
    {
      name: 'operator',
      title: text('operator'),
      width: 'minmax(70px, 120px)',
      cell: ({ operator }) => <span className={styles.cut}>{operator}</span>,
    },
    {
      name: 'action',
      title: text('action'),
      width: 'minmax(110px, 190px)',
      narrow: 'first',
      cell: ({ id, action }) => (
        <>
          {sameAsAbove.has(id) && (
            <span
              className={styles.same}
              role="img"
              aria-label={text('sameRequest')}
              title={text('sameRequest')}
            />
          )}
          {action}
        </>
      ),
    },
    {
      name: 'target',
      title: text('target'),
      width: 'minmax(100px, 1fr)',
      cell: (line) => (
        <span className={styles.cut}>
          <Target line={line} />
        </span>
      ),
    },
    {
      name: 'reason',
      title: text('reason'),
      width: 'minmax(100px, 2fr)',
      narrow: 'hidden',
      cell: ({ reason }) => <span title={reason}>{reason}</span>,
    },
  ];
  return (
    <>
      {waiting > 0 && (
        <div className={styles.new} role="status">
          <Button kind="quiet" onPress={() => setTop(newest)}>
            {text('more', { count: waiting })}
          </Button>
        </div>
      )}
      <VirtualTable
        label={text('lines')}
        columns={columns}
        rows={shown}
        keyOf={({ id }) => id}
        opened={opened}
        onOpen={onOpen}
        onEnd={onEnd}
      />
    </>
  );
}
