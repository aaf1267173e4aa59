import { unwrap } from '@rigel/api-client';
import type { UseQueryResult } from '@tanstack/react-query';
import { useQueries, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { AsideLink } from '../../plan/aside-link.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { FilterChips } from '../../ui/chips.js';
import { Choice } from '../../ui/choice.js';
import { CountInput } from '../../ui/count-input.js';
import { Check, Select, TextArea, TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { SearchSelect } from '../../ui/search-select.js';
import { SettledInput } from '../../ui/settled-input.js';
import { STATES } from '../../ui/state.js';
import { type Draft, isInAddress, limitIn, RANGES, SOURCES } from './draft.js';
import styles from './new-task.module.css';
import type { ChosenNodes } from './read-nodes.js';
import { newTaskWords } from './words.js';

interface NodesSectionProps {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
  chosen: UseQueryResult<ChosenNodes>;
}

/** Where the task runs: from pools, from a list, from an earlier task. */
export function NodesSection({ draft, onChange, chosen }: NodesSectionProps): ReactNode {
  const text = useWords(newTaskWords);
  return (
    <>
      <Choice
        label={text('nodes.by')}
        value={draft.by}
        choices={SOURCES.map((by) => [by, text(`nodes.by.${by}`)] as const)}
        onChange={(by) => onChange({ by })}
      />
      {draft.by === 'pool' && <OfPools draft={draft} onChange={onChange} />}
      {draft.by === 'labels' && <ByLabels draft={draft} onChange={onChange} />}
      {draft.by === 'list' && (
        <TextArea
          label={text('nodes.list')}
          hint={text(isInAddress(draft) ? 'nodes.list.hint' : 'nodes.list.long')}
          value={draft.nodes}
          onChange={(nodes) => onChange({ nodes })}
          rows={4}
          placeholder="10.0.3.[1-40], 10.0.4.0/28"
        />
      )}
      {draft.by === 'task' && <OfTask draft={draft} onChange={onChange} />}
      <Region what={text('what.nodes')} query={chosen}>
        {(nodes) => (
          <Chosen draft={draft} onChange={onChange} chosen={nodes} again={() => void chosen.refetch()} />
        )}
      </Region>
    </>
  );
}

async function searchPools(name: string) {
  const rows = await unwrap(
    api.GET('/pool/list', {
      params: { query: { page: 1, page_size: 50, ...(name === '' ? {} : { name }) } },
    }),
  );
  return rows.map(({ id, name, desc }) => ({ id, name, ...(desc === '' ? {} : { detail: desc }) }));
}

/** The pools that nodes are taken from: a field that adds one. */
function PoolSearch({ draft: { pools }, onChange }: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  return (
    <SearchSelect
      label={text('nodes.pool')}
      what="pools"
      chosen=""
      isList
      search={searchPools}
      onChoose={({ id }) => onChange({ pools: [...pools.filter((other) => other !== id), id] })}
    />
  );
}

/** The pools that were chosen, each with a button that takes it away. */
function PoolChips({ draft: { pools }, onChange }: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  const named = useQueries({
    queries: pools.map((id) => ({
      queryKey: ['pool', id, 'itself'],
      queryFn: () => unwrap(api.GET('/pool/{id}', { params: { path: { id } } })),
      staleTime: 60_000,
    })),
  });
  return (
    <FilterChips
      chips={pools.map((id, index) => ({
        name: text('nodes.pool'),
        value: named[index]?.data?.name ?? `#${id}`,
        onRemove: () => onChange({ pools: pools.filter((other) => other !== id) }),
      }))}
      onClear={() => onChange({ pools: [] })}
    />
  );
}

function StatusSelect({ draft: { status }, onChange }: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  return (
    <Select
      label={text('nodes.status')}
      value={status}
      choices={[
        ['', text('any')],
        ...(['1', '3', '0'] as const).map((one) => [one, text(`status.${one}`)] as const),
      ]}
      onChange={(status) => onChange({ status })}
    />
  );
}

function OfPools(props: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  const { draft, onChange } = props;
  const { ip, version } = draft;
  return (
    <>
      <div className={styles.fields}>
        <PoolSearch {...props} />
        <StatusSelect {...props} />
        <TextInput label={text('nodes.ip')} value={ip} onChange={(ip) => onChange({ ip })} isCode />
        <TextInput
          label={text('nodes.version')}
          value={version}
          onChange={(version) => onChange({ version })}
          isCode
        />
      </div>
      <PoolChips {...props} />
    </>
  );
}

/** A selection: the API makes it when the plan is made, and again when the task is. */
function ByLabels(props: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  const { draft, onChange } = props;
  const { labels, first, order } = draft;
  return (
    <>
      <div className={styles.fields}>
        <SettledInput
          name="select.labels"
          label={text('nodes.labels')}
          hint={text('nodes.labels.hint')}
          value={labels}
          onSettle={(labels) => onChange({ labels })}
          placeholder="role=web,zone in (a,b),!canary"
        />
        <PoolSearch {...props} />
        <StatusSelect {...props} />
        <CountInput
          label={text('nodes.first')}
          hint={text('nodes.first.hint')}
          value={first}
          onChange={(first) => onChange({ first })}
          error={
            Number.isNaN(limitIn(draft, 'first'))
              ? text('limit.wrong', { least: RANGES.first[0], most: RANGES.first[1] })
              : undefined
          }
        />
        <SettledInput
          name="select.order"
          label={text('nodes.order')}
          hint={text('nodes.order.hint')}
          value={order}
          onSettle={(order) => onChange({ order })}
          placeholder="label:zone"
        />
      </div>
      <PoolChips {...props} />
    </>
  );
}

function OfTask({ draft, onChange }: Omit<NodesSectionProps, 'chosen'>): ReactNode {
  const text = useWords(newTaskWords);
  const common = useWords();
  const { from, state, step, reason } = draft;
  const task = useQuery({
    queryKey: ['new task', 'from', from],
    queryFn: async () => {
      const id = Number(from);
      const answer = await unwrap(api.GET('/task/{id}', { params: { path: { id } } }));
      return Array.isArray(answer) ? answer[0] : answer;
    },
    enabled: /^[1-9]\d{0,14}$/.test(from.trim()),
  });
  const chips = [
    { name: text('nodes.step'), value: step, field: 'step' },
    { name: text('nodes.reason'), value: reason, field: 'reason' },
  ].filter(({ value }) => value !== '');
  return (
    <>
      <div className={styles.fields}>
        <CountInput label={text('nodes.task')} value={from} onChange={(from) => onChange({ from })} />
        <Select
          label={text('nodes.state')}
          value={['0', '1', '2', '3', '4'].includes(state) ? state : ''}
          choices={[
            ['', text('any')],
            ...(['3', '4', '0', '1', '2'] as const).map(
              (one) => [one, common(`state.${STATES[Number(one)] ?? 'initial'}`)] as const,
            ),
          ]}
          onChange={(state) => onChange({ state })}
        />
        {task.data && (
          <p className={styles.quiet}>
            <AsideLink href={to.task(task.data.id)}>
              #{task.data.id} {task.data.task_name}
            </AsideLink>{' '}
            · {task.data.pool_name}
          </p>
        )}
      </div>
      <FilterChips
        chips={chips.map(({ name, value, field }) => ({
          name,
          value,
          onRemove: () => onChange({ [field]: '' }),
        }))}
        onClear={() => onChange({ step: '', reason: '' })}
      />
    </>
  );
}

/** Nodes that are named in one line. */
const NAMED = 6;

interface ChosenProps {
  draft: Draft;
  onChange: (changes: Partial<Draft>) => void;
  chosen: ChosenNodes;
  again: () => void;
}

/** What the choice leads to: known, unknown, foreign and held addresses apart. */
function Chosen({ draft, onChange, chosen, again }: ChosenProps): ReactNode {
  const text = useWords(newTaskWords);
  const { addresses, nodes, unknown, problems, doubles } = chosen;
  const held = nodes.filter(({ held_by }) => held_by);
  const holders = [...new Set(held.flatMap(({ held_by }) => held_by?.task_id ?? []))];
  const pools = [...new Set(nodes.map(({ pool_name }) => pool_name))];
  const isEmpty = addresses.length + unknown.length + problems.length + doubles.length === 0;
  if (isEmpty) return <p className={styles.quiet}>{text(`nodes.none.${draft.by}`)}</p>;
  return (
    <div className={styles.found}>
      <p className={styles.count}>
        <b>{text(draft.by === 'labels' ? 'nodes.match' : 'nodes.count', { count: addresses.length })}</b>
        {pools.length > 1 && (
          <span className={styles.quiet}>
            {text('nodes.pools', { count: pools.length, names: pools.slice(0, NAMED).join(', ') })}
          </span>
        )}
        <Button kind="quiet" onPress={again}>
          {text('nodes.again')}
        </Button>
      </p>
      <Names names={addresses} />
      {held.length > 0 && (
        <p data-warning>
          {text('nodes.held', { count: held.length })}{' '}
          {holders.slice(0, NAMED).map((id) => (
            <AsideLink key={id} href={to.task(id)}>
              #{id}
            </AsideLink>
          ))}
        </p>
      )}
      {(held.length > 0 || draft.leaveOut) && (
        <Check isSelected={draft.leaveOut} onChange={(leaveOut) => onChange({ leaveOut })}>
          {text('nodes.leaveOut')}
        </Check>
      )}
      {unknown.length > 0 && (
        <p data-warning>
          {text('nodes.unknown', { count: unknown.length })} <Names names={unknown} />
        </p>
      )}
      {doubles.length > 0 && (
        <p data-warning>
          {text('nodes.doubles', { count: doubles.length })} <Names names={doubles} />
        </p>
      )}
      {problems.slice(0, NAMED).map((problem) => (
        <p key={problem} data-warning>
          {problem}
        </p>
      ))}
    </div>
  );
}

function Names({ names }: { names: readonly string[] }): ReactNode {
  const text = useWords(newTaskWords);
  const { formatNumber } = useIntl();
  return (
    <span className={styles.names}>
      {names.slice(0, NAMED).map((name) => (
        <code key={name}>{name}</code>
      ))}
      {names.length > NAMED && <span>{text('more', { count: formatNumber(names.length - NAMED) })}</span>}
    </span>
  );
}
