import { type Pool, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue, useEffect, useState } from 'react';
import { api } from '../../../api/api.js';
import { Disclosure } from '../../../plan/disclosure.js';
import { PlanDialog } from '../../../plan/plan-form.js';
import { startedTasks } from '../../../plan/started-tasks.js';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Choice } from '../../../ui/choice.js';
import { CountInput, countOf } from '../../../ui/count-input.js';
import { Check, Select, TextArea } from '../../../ui/field.js';
import { Region } from '../../../ui/region.js';
import type { ChosenNodes } from '../../nodes/node-list.js';
import { nodeWords } from '../../nodes/words.js';
import styles from './actions.module.css';
import type { PoolCounts } from './pool-counts.js';
import { readShrinkNodes, type ShrinkChoice, type ShrinkNodes } from './shrink-nodes.js';
import { actionWords } from './words.js';

/** Addresses of one kind that are named; the others are counted. */
const NAMED = 200;
/** The nodes are read when the typing has paused for so long, in milliseconds. */
const SETTLED_MS = 300;

interface ShrinkDialogProps {
  pool: Pool;
  counts: PoolCounts;
  chosen: ChosenNodes | undefined;
  onClose: () => void;
}

/** Gives machines of a pool back: those selected in the list, the oldest, or those of a pasted list. */
export function ShrinkDialog({ pool, counts, chosen, onClose }: ShrinkDialogProps): ReactNode {
  const text = useWords(actionWords);
  const isChosen = chosen !== undefined && chosen.count > 0;
  const [by, setBy] = useState<ShrinkChoice['by']>(isChosen ? 'selected' : 'oldest');
  const [typedCount, setCount] = useState('');
  const [madeBy, setMadeBy] = useState<'any' | 'manual' | 'crontab'>('any');
  const [list, setList] = useState('');
  const [leavesOut, setLeavesOut] = useState(true);
  const count = countOf(typedCount, 1);
  const choice = useSettled(choiceOf({ by, chosen, count, madeBy, list }));
  // Read when the choice changes, and not by the clock: nodes do not slip in or out below the plan.
  const query = useQuery({
    queryKey: [
      'shrink',
      pool.id,
      choice ?? null,
      leavesOut,
      choice?.by === 'selected' ? keysOf(choice.chosen) : 0,
    ],
    queryFn: () => readShrinkNodes(pool.id, choice as ShrinkChoice, leavesOut),
    enabled: choice !== undefined,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const usable = choice === undefined ? [] : (query.data?.usable ?? []);
  const nodes = usable.map(({ ip }) => ip);
  const path = { id: pool.id };
  const missing =
    choice === undefined
      ? text('shrink.missing')
      : query.data === undefined
        ? text('shrink.reading')
        : nodes.length === 0
          ? text('shrink.none')
          : undefined;
  return (
    <PlanDialog
      title={text('shrink.title', { pool: pool.name })}
      onClose={onClose}
      body={missing === undefined ? { nodes } : undefined}
      missing={missing}
      preview={(body) => unwrap(api.POST('/pool/shrink/{id}/preview', { params: { path }, body }))}
      run={(body, header) => startedTasks(api.POST('/pool/shrink/{id}', { params: { path, header }, body }))}
      path={`pool/shrink/${pool.id}`}
      kind="danger"
      action={(preview) => text('shrink.action', { count: preview?.nodes.count ?? nodes.length })}
    >
      <Choice
        label={text('shrink.by')}
        value={by}
        choices={[
          ...(isChosen ? [['selected', text('shrink.by.selected', { count: chosen.count })] as const] : []),
          ['oldest', text('shrink.by.oldest')],
          ['list', text('shrink.by.list')],
        ]}
        onChange={setBy}
      />
      {by === 'oldest' && (
        <div className={styles.pair}>
          <CountInput
            label={text('shrink.count')}
            value={typedCount}
            onChange={setCount}
            error={Number.isNaN(count) ? text('shrink.count.error') : undefined}
            isRequired
          />
          <Select
            label={text('shrink.made')}
            value={madeBy}
            choices={[
              ['any', text('shrink.made.any')],
              ['crontab', text('shrink.made.crontab')],
              ['manual', text('shrink.made.manual')],
            ]}
            onChange={setMadeBy}
          />
        </div>
      )}
      {by === 'list' && <Pasted list={list} onChange={setList} />}
      <Check isSelected={leavesOut} onChange={setLeavesOut}>
        {text('shrink.held')}
      </Check>
      {choice && (
        <Region what={text('shrink.what')} query={query}>
          {(found) => (
            <>
              <ToldApart found={found} />
              {choice.by === 'oldest' && found.usable.length < choice.count && (
                <p role="status">{text('shrink.lack', { count: found.usable.length })}</p>
              )}
              <Stays stays={counts.nodes - found.usable.length} all={counts.nodes} />
              <Button kind="quiet" onPress={() => void query.refetch()}>
                {text('shrink.again')}
              </Button>
            </>
          )}
        </Region>
      )}
    </PlanDialog>
  );
}

function choiceOf(given: {
  by: ShrinkChoice['by'];
  chosen: ChosenNodes | undefined;
  count: number | undefined;
  madeBy: 'any' | 'manual' | 'crontab';
  list: string;
}): ShrinkChoice | undefined {
  const { by, chosen, count, madeBy, list } = given;
  if (by === 'selected') return chosen && { by, chosen };
  if (by === 'list') return list.trim() === '' ? undefined : { by, text: list };
  return count === undefined || Number.isNaN(count) ? undefined : { by, count, madeBy };
}

/** Names a selection in the cache: a map of nodes has no text of its own. */
function keysOf({ selection, filters }: ChosenNodes): string {
  return selection.kind === 'matching' ? JSON.stringify(filters) : [...selection.nodes.keys()].join();
}

/** A choice, once it has stayed the same for a moment. */
function useSettled(choice: ShrinkChoice | undefined): ShrinkChoice | undefined {
  const latest = useDeferredValue(choice);
  const [settled, setSettled] = useState(choice);
  const key = JSON.stringify(latest ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when the choice is another one.
  useEffect(() => {
    if (latest === undefined || latest.by === 'selected') return setSettled(latest);
    const timer = setTimeout(() => setSettled(latest), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [key]);
  return settled;
}

function Pasted({ list, onChange }: { list: string; onChange: (list: string) => void }): ReactNode {
  const text = useWords(nodeWords);
  return (
    <TextArea
      label={text('paste.label')}
      hint={text('paste.hint')}
      value={list}
      onChange={onChange}
      placeholder="10.0.3.[1-40], 10.0.4.0/28"
    />
  );
}

/** What the addresses of a choice are: nodes of the pool, and what is passed over with the reason. */
function ToldApart({ found: { usable, excluded } }: { found: ShrinkNodes }): ReactNode {
  const text = useWords(actionWords);
  return (
    <ul className={styles.lines}>
      <li>
        <b>{text('found.usable', { count: usable.length })}</b>
      </li>
      {excluded.map(({ kind, addresses }) => (
        <li key={kind}>
          {kind === 'noAddress' ? (
            text('found.noAddress', { count: addresses.length })
          ) : (
            <Disclosure title={text('found.which')} details={() => <Addresses addresses={addresses} />}>
              {text(`found.${kind}`, { count: addresses.length })}
            </Disclosure>
          )}
        </li>
      ))}
    </ul>
  );
}

function Addresses({ addresses }: { addresses: readonly string[] }): ReactNode {
  const text = useWords(actionWords);
  return (
    <p className={styles.addresses}>
      {addresses.slice(0, NAMED).join(', ')}
      {addresses.length > NAMED && ` ${text('found.more', { count: addresses.length - NAMED })}`}
    </p>
  );
}

function Stays({ stays, all }: { stays: number; all: number }): ReactNode {
  const text = useWords(actionWords);
  if (stays <= 0) return <p className={styles.warning}>{text('shrink.stays.none')}</p>;
  return <p className={styles.stays}>{text('shrink.stays', { count: stays, all })}</p>;
}
