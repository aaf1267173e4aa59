import type { PlacedNode } from '@rigel/api-client';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { FilterChips } from '../../ui/chips.js';
import { CopyButton } from '../../ui/copy.js';
import { Select } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { SettledInput } from '../../ui/settled-input.js';
import { STATES } from '../../ui/state.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { RunButton } from '../run/run-button.js';
import { ansibleInventory } from './ansible-inventory.js';
import { EditLabels } from './edit-labels.js';
import { LabelCells } from './labels.js';
import { RunStateText, StatusBadge, TaskLink } from './node-parts.js';
import styles from './nodes.module.css';
import {
  type FilterName,
  NOTHING,
  type NodeFilters,
  readSelected,
  type Selection,
  useNodeFilters,
  useNodes,
} from './read-nodes.js';
import { RemoveNodes } from './remove-nodes.js';
import { nodeWords } from './words.js';

/** Sorted addresses, one a line. Nodes without an address are left out. */
export const addressesOf = (nodes: readonly PlacedNode[]): string =>
  nodes.flatMap(({ ip }) => (ip === '-' ? [] : ip)).join('\n');

interface NodeListProps {
  /** Only nodes of this pool. */
  poolId?: number;
  /** Buttons beside the filters. */
  tools?: ReactNode;
  /** Called when other nodes are chosen, with their number; with none when the list goes away. */
  onSelection?: (chosen: ChosenNodes) => void;
}

/** The nodes of a list that a person chose. */
export interface ChosenNodes {
  selection: Selection;
  filters: NodeFilters;
  count: number;
}

/** Nodes by the filters of the address, with what can be done with those that were chosen. */
export function NodeList({ poolId, tools, onSelection }: NodeListProps): ReactNode {
  const text = useWords(nodeWords);
  const [, navigate] = useLocation();
  const { filters, set, clear } = useNodeFilters(poolId);
  const query = useNodes(filters);
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [isRemoving, setRemoving] = useState(false);
  const [isLabelling, setLabelling] = useState(false);
  const key = JSON.stringify(filters);
  // Other filters mean other nodes.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the selection ends when the filters change.
  useEffect(() => setSelection(NOTHING), [key]);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.rows) ?? [], [query.data]);
  const total = query.data?.pages[0]?.total ?? rows.length;
  const chosen = selection.kind === 'matching' ? total : selection.nodes.size;
  // biome-ignore lint/correctness/useExhaustiveDependencies: told when the selection changes.
  useEffect(() => onSelection?.({ selection, filters, count: chosen }), [selection, chosen]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the list goes away.
  useEffect(() => () => onSelection?.({ selection: NOTHING, filters, count: 0 }), []);
  const selected = useMemo(
    () => new Set(selection.kind === 'matching' ? rows.map(({ id }) => id) : selection.nodes.keys()),
    [selection, rows],
  );
  const columns = useColumns(poolId === undefined);
  const isFiltered = Object.entries(filters).some(
    ([name, value]) => name !== 'pool_id' && value !== undefined,
  );
  return (
    <div className={styles.page}>
      <FilterBar filters={filters} set={set} tools={tools} />
      <Chips filters={filters} set={set} clear={clear} />
      <div className={styles.tools}>
        <span role="status">
          {chosen > 0 ? text('selected', { count: chosen }) : text('matching', { count: total })}
        </span>
        {total > 0 && selection.kind !== 'matching' && (
          <Button kind="quiet" onPress={() => setSelection({ kind: 'matching' })}>
            {text('select.all', { count: total })}
          </Button>
        )}
        {chosen > 0 && (
          <>
            <Button kind="quiet" onPress={() => setSelection(NOTHING)}>
              {text('select.none')}
            </Button>
            <CopyButton text={async () => addressesOf(await readSelected(selection, filters))}>
              {text('copy.list')}
            </CopyButton>
            <CopyButton
              text={async () =>
                JSON.stringify(
                  (await readSelected(selection, filters)).map(({ ip }) => ip),
                  null,
                  2,
                )
              }
            >
              {text('copy.json')}
            </CopyButton>
            <CopyButton text={async () => ansibleInventory(await readSelected(selection, filters))}>
              {text('copy.ansible')}
            </CopyButton>
            <RunButton
              kind="quiet"
              target={async () => ({
                addresses: addressesOf(await readSelected(selection, filters)).split('\n'),
              })}
            />
            <Button kind="quiet" needs="operator" onPress={() => setLabelling(true)}>
              {text('labels.edit')}
            </Button>
            <Button kind="quiet" needs="operator" onPress={() => setRemoving(true)}>
              {text('remove')}
            </Button>
          </>
        )}
      </div>
      <div className={styles.table}>
        <Region
          what={text('all.what')}
          query={query}
          isEmpty={() => rows.length === 0}
          empty={<p className={styles.empty}>{text(isFiltered ? 'empty.filtered' : 'empty.none')}</p>}
        >
          {() => (
            <VirtualTable
              label={text('nodes')}
              columns={columns}
              rows={rows}
              total={total}
              keyOf={({ id }) => id}
              onOpen={({ id }) => navigate(to.node(id))}
              selected={selected}
              onSelect={(node, is) => setSelection(toggled(selection, rows, node, is))}
              onEnd={() => {
                if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
              }}
            />
          )}
        </Region>
      </div>
      <EditLabels
        isOpen={isLabelling}
        onClose={() => setLabelling(false)}
        read={() => readSelected(selection, filters)}
        onChanged={() => {
          setSelection(NOTHING);
          void query.refetch();
        }}
      />
      <RemoveNodes
        isOpen={isRemoving}
        onClose={() => setRemoving(false)}
        read={() => readSelected(selection, filters)}
        onRemoved={() => {
          setSelection(NOTHING);
          void query.refetch();
        }}
      />
    </div>
  );
}

/** @param rows the rows on the screen: taking one away from all that match leaves these. */
function toggled(
  selection: Selection,
  rows: readonly PlacedNode[],
  node: PlacedNode,
  is: boolean,
): Selection {
  const before = selection.kind === 'matching' ? new Map(rows.map((row) => [row.id, row])) : selection.nodes;
  const nodes = new Map(before);
  if (is) nodes.set(node.id, node);
  else nodes.delete(node.id);
  return { kind: 'nodes', nodes };
}

function useColumns(withPool: boolean): Column<PlacedNode>[] {
  const text = useWords(nodeWords);
  return useMemo(() => {
    const columns: (Column<PlacedNode> | false)[] = [
      {
        name: 'address',
        title: text('column.address'),
        width: 'minmax(150px, 1.2fr)',
        narrow: 'first',
        cell: ({ id, ip }) => (
          <Link href={to.node(id)} className={ip === '-' ? styles.quiet : styles.mono}>
            {ip === '-' ? text('noAddress', { id }) : ip}
          </Link>
        ),
      },
      {
        name: 'status',
        title: text('column.status'),
        width: '104px',
        narrow: 'first',
        cell: ({ status }) => <StatusBadge status={status} />,
      },
      withPool && {
        name: 'pool',
        title: text('column.pool'),
        width: 'minmax(110px, 1fr)',
        cell: ({ pool_id, pool_name }) => <Link href={to.pool(pool_id)}>{pool_name}</Link>,
      },
      {
        name: 'version',
        title: text('column.version'),
        width: 'minmax(90px, 1fr)',
        cell: ({ version_tag }) => <span className={styles.mono}>{version_tag}</span>,
      },
      {
        name: 'labels',
        title: text('column.labels'),
        width: 'minmax(150px, 2fr)',
        narrow: 'hidden',
        cell: ({ labels }) => <LabelCells labels={labels} />,
      },
      {
        name: 'run',
        title: text('column.run'),
        width: '140px',
        narrow: 'hidden',
        cell: ({ state }) => <RunStateText state={state} />,
      },
      {
        name: 'task',
        title: text('column.task'),
        width: '90px',
        narrow: 'hidden',
        cell: ({ last_task }) => (last_task ? <TaskLink id={last_task} /> : null),
      },
      {
        name: 'reason',
        title: text('column.reason'),
        width: 'minmax(140px, 2fr)',
        cell: ({ last_reason }) => <span title={last_reason}>{last_reason}</span>,
      },
      {
        name: 'held',
        title: text('column.held'),
        width: '80px',
        cell: ({ held_by }) => (held_by ? <TaskLink id={held_by.task_id} /> : null),
      },
    ];
    return columns.filter((column) => column !== false);
  }, [text, withPool]);
}

interface FilterProps {
  filters: NodeFilters;
  set: (name: FilterName, value: string) => void;
}

const ANY = 'any';

function FilterBar({ filters, set, tools }: FilterProps & { tools: ReactNode }): ReactNode {
  const text = useWords(nodeWords);
  return (
    <div className={styles.bar}>
      <Select
        label={text('filter.status')}
        value={filters.status ?? ANY}
        choices={[
          [ANY, text('filter.any')],
          ['1', text('status.1')],
          ['3', text('status.3')],
          ['0', text('status.0')],
        ]}
        onChange={(value) => set('status', value === ANY ? '' : value)}
      />
      <SettledInput
        label={text('filter.address')}
        value={filters.ip ?? ''}
        onSettle={(value) => set('ip', value)}
        placeholder={text('filter.address.hint')}
      />
      <SettledInput
        label={text('filter.labels')}
        value={filters.labels ?? ''}
        onSettle={(value) => set('labels', value)}
        placeholder="zone=b,!canary"
      />
      <SettledInput
        label={text('filter.version')}
        value={filters.version ?? ''}
        onSettle={(value) => set('version', value)}
      />
      <Select
        label={text('filter.made')}
        value={filters.made_by ?? ANY}
        choices={[
          [ANY, text('filter.any')],
          ['manual', text('made.manual')],
          ['crontab', text('made.crontab')],
        ]}
        onChange={(value) => set('made_by', value === ANY ? '' : value)}
      />
      {tools}
    </div>
  );
}

function Chips({ filters, set, clear }: FilterProps & { clear: () => void }): ReactNode {
  const text = useWords(nodeWords);
  const common = useWords();
  const { formatNumber } = useIntl();
  const all: [FilterName, string, string | undefined][] = [
    ['status', text('filter.status'), filters.status && statusWords(filters.status, text)],
    [
      'state',
      text('filter.state'),
      filters.state && common(`state.${STATES[Number(filters.state[0]) as 0 | 1 | 2 | 3 | 4] ?? 'initial'}`),
    ],
    ['ip', text('filter.address'), filters.ip],
    ['labels', text('filter.labels'), filters.labels],
    ['version', text('filter.version'), filters.version === '-' ? text('version.none') : filters.version],
    ['made_by', text('filter.made'), filters.made_by && text(`made.${filters.made_by}`)],
    ['vm_id', text('filter.vm'), filters.vm_id],
    [
      'held_by',
      text('filter.held'),
      filters.held_by === undefined ? undefined : text('taskNumber', { id: formatNumber(filters.held_by) }),
    ],
  ];
  const chips = all.flatMap(([name, label, value]) =>
    value ? [{ name: label, value, onRemove: () => set(name, '') }] : [],
  );
  return (
    chips.length > 0 && (
      <div className={styles.chips}>
        <FilterChips chips={chips} onClear={clear} />
      </div>
    )
  );
}

function statusWords(status: string, text: (key: 'status.0' | 'status.1' | 'status.3') => string): string {
  return status
    .split(',')
    .map((one) => (one === '0' || one === '1' || one === '3' ? text(`status.${one}`) : one))
    .join(', ');
}
