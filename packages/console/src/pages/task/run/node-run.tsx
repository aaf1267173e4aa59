import { type Attempt, type NodeRunAccount, unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useWords } from '../../../text/intl.js';
import { durationText } from '../../../text/time.js';
import { Region } from '../../../ui/region.js';
import { STATES, StateBadge, type StateName, StateShape } from '../../../ui/state.js';
import { Chain } from '../why.js';
import { OutputView } from './output-view.js';
import { Receipt } from './receipt.js';
import styles from './run.module.css';
import { runWords } from './words.js';

const SHAPE: Record<Attempt['state'], StateName> = {
  running: 'running',
  succeeded: 'success',
  failed: 'failed',
  ignored: 'failed',
  stopped: 'stopped',
  unknown: 'stopped',
};

interface NodeRunPanelProps {
  /** Id of the node run. */
  nsid: number;
  /** Whether the task may still change: how often the run is read again. */
  isActive: boolean;
}

/**
 * One node's run of a task: its steps and attempts, why it waits or has failed, the receipt of the chosen attempt, and what
 * it printed. The chosen attempt stands in the address as `attempt=2.1`: step and attempt. Put it into a `SidePanel`, or on a
 * page of its own: it takes the width that it is given.
 */
export function NodeRunPanel({ nsid, isActive }: NodeRunPanelProps): ReactNode {
  const text = useWords(runWords);
  const query = useLiveQuery({
    key: ['run', nsid],
    read: () => unwrap(api.GET('/task/node/{nsid}', { params: { path: { nsid } } })),
    pollMs: isActive ? 2_000 : 30_000,
  });
  return (
    <Region what={text('what.run')} query={query}>
      {(run) => <NodeRun run={run} isActive={isActive} />}
    </Region>
  );
}

function NodeRun({ run, isActive }: { run: NodeRunAccount; isActive: boolean }): ReactNode {
  const text = useWords(runWords);
  const [chosen, choose] = useQueryParam('attempt');
  const attempts = run.steps.flatMap(({ name, attempts }, step) =>
    attempts.map((attempt) => ({ name, attempt, id: `${step + 1}.${attempt.attempt}`, step: step + 1 })),
  );
  const last = attempts.at(-1);
  const open = attempts.find(({ id }) => id === chosen) ?? last;
  return (
    <div className={styles.run}>
      <p className={styles.facts}>
        <StateBadge state={STATES[run.state] ?? 'initial'} />
        <span>
          {run.pool_name} · {text('run.batch', { batch: run.batch })} · {text('run.id', { id: run.id })}
          {run.vm_id !== '' && ` · ${text('run.machine', { id: run.vm_id })}`}
        </span>
      </p>
      <Attempts run={run} open={open?.id} onOpen={(id) => choose(id === last?.id ? '' : id)} />
      <RunWhy nsid={run.id} taskId={run.task_id} isActive={isActive} state={run.state} />
      {open && (
        <>
          <Receipt attempt={open.attempt} proof={() => proofOf(run, open)} />
          <OutputView
            key={open.id}
            of={{ nsid: run.id, step: open.step, attempt: open.attempt.attempt }}
            name={text('run.attempt', { step: open.name, attempt: open.attempt.attempt })}
          />
        </>
      )}
    </div>
  );
}

/** Steps and the attempts at them, one a row; a step without any says so. */
function Attempts({
  run,
  open,
  onOpen,
}: {
  run: NodeRunAccount;
  open: string | undefined;
  onOpen: (id: string) => void;
}): ReactNode {
  const text = useWords(runWords);
  return (
    <ol className={styles.attempts} aria-label={text('run.attempts')}>
      {run.steps.flatMap(({ name, attempts, state, message }, step) =>
        attempts.length === 0
          ? [
              <li key={name} className={styles.none}>
                <span>
                  <StateShape state={STATES[state] ?? 'initial'} />
                  {name}
                </span>
                <small>{message === '' ? text('run.notBegun') : message}</small>
              </li>,
            ]
          : attempts.map((attempt) => {
              const id = `${step + 1}.${attempt.attempt}`;
              return (
                <li key={id}>
                  <button type="button" aria-pressed={id === open} onClick={() => onOpen(id)}>
                    <span data-state={SHAPE[attempt.state]}>
                      <StateShape state={SHAPE[attempt.state]} />
                      {attempts.length > 1 || attempt.attempt > 1
                        ? text('run.attempt', { step: name, attempt: attempt.attempt })
                        : name}
                    </span>
                    <small>
                      <AttemptLine attempt={attempt} />
                    </small>
                  </button>
                </li>
              );
            }),
      )}
    </ol>
  );
}

function AttemptLine({ attempt }: { attempt: Attempt }): ReactNode {
  const text = useWords(runWords);
  const { state, started_at, finished_at, reason } = attempt;
  const took =
    started_at !== null && finished_at !== null
      ? durationText(Date.parse(finished_at) - Date.parse(started_at))
      : '';
  const says = state === 'succeeded' ? '' : reason === '' ? text(`attempt.${state}`) : reason;
  const marked = state === 'ignored' ? text('attempt.ignored') : '';
  return <>{[took, says, marked].filter((part) => part !== '').join(' · ')}</>;
}

function RunWhy({
  nsid,
  taskId,
  isActive,
  state,
}: {
  nsid: number;
  taskId: number;
  isActive: boolean;
  state: number;
}): ReactNode {
  const text = useWords(runWords);
  const query = useLiveQuery({
    key: ['run', nsid, 'why'],
    read: () => unwrap(api.GET('/task/node/{nsid}/why', { params: { path: { nsid } } })),
    enabled: state !== 2,
    pollMs: isActive ? 3_000 : 30_000,
  });
  const chain =
    query.data === undefined ? [] : query.data.chain.length > 0 ? query.data.chain : query.data.task;
  if (state === 2 || chain.length === 0) return null;
  return (
    <section className={styles.why} aria-label={text('run.why')}>
      <h3>{text('run.why')}</h3>
      <Chain chain={chain} taskId={taskId} />
    </section>
  );
}

/** The receipt for programs, with what it belongs to. */
function proofOf(
  { id, task_id, node_id, ip }: NodeRunAccount,
  { name, step, attempt }: { name: string; step: number; attempt: Attempt },
): string {
  return JSON.stringify(
    { task_id, nsid: id, node_id, ip, step: name, step_num: step, ...attempt },
    undefined,
    2,
  );
}
