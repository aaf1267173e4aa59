import { type Preview, type Task, unwrap } from '@rigel/api-client';
import { useQueries, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { PlanFacts } from '../../plan/plan-panel.js';
import { useIntl, useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { Dialog, useIsSettled } from '../../ui/dialog.js';
import { TextInput } from '../../ui/field.js';
import { refusedBecause } from '../../ui/refusal.js';
import { reasonOf } from '../../ui/region.js';
import { useReadAgain } from '../../ui/shown.js';
import { StateShape } from '../../ui/state.js';
import type { ManyAction } from './many-actions.js';
import styles from './many-tasks.module.css';
import { manyWords } from './many-words.js';

/** Stopping or starting more nodes than this asks for their number to be typed. */
const MANY_NODES = 500;

interface ManyTasksProps {
  action: ManyAction;
  tasks: readonly Task[];
  onClose: () => void;
}

/** What became of one task. */
type Outcome = { done: true } | { done: false; reason: string };

interface Line {
  task: Task;
  /** Nodes that it is about. */
  count: number;
  preview?: Preview | undefined;
  /** Why nothing is done with this task. */
  impossible?: string | undefined;
}

/** Pauses, starts or stops several tasks: a line for each says what it means, and afterwards what became of it. */
export function ManyTasks({ action, tasks, onClose }: ManyTasksProps): ReactNode {
  const text = useWords(manyWords);
  const common = useWords();
  const queries = useQueryClient();
  const isSettled = useIsSettled();
  const [outcomes, setOutcomes] = useState<ReadonlyMap<number, Outcome>>(new Map());
  const [step, setStep] = useState<'ask' | 'run' | 'over'>('ask');
  const readAgain = useReadAgain();
  const [isChanged, setChanged] = useState(false);
  const [word, setWord] = useState('');
  const current = useLines(action, tasks);
  // What was confirmed stays on the screen while it is carried out.
  const [confirmed, setConfirmed] = useState<readonly Line[]>();
  const lines = confirmed ?? current;
  const { names, isReading } = useProtected(action, tasks);
  const able = lines.filter(({ impossible }) => impossible === undefined);
  const count = able.reduce((sum, line) => sum + line.count, 0);
  // Typed once for the whole selection; a number that changes while it is typed could not be typed.
  const running = tasks.reduce((sum, { stat }) => sum + (stat[1] ?? 0), 0);
  const [asked, setAsked] = useState(running);
  if (asked <= MANY_NODES && running > MANY_NODES) setAsked(running);
  const nodes = action === 'stop' ? asked : count;
  const [onlyName] = names.values();
  const wanted =
    names.size === 1 ? onlyName : names.size > 1 || nodes > MANY_NODES ? String(nodes) : undefined;
  const isTyped = action === 'pause' || wanted === undefined || word.trim() === wanted;
  const run = async (): Promise<void> => {
    setStep('run');
    const isOther = await readAgain();
    setChanged(isOther);
    if (isOther) {
      setStep('ask');
      return;
    }
    setConfirmed(lines);
    for (const line of able) {
      const outcome = await carryOut(action, line, names.get(line.task.pool_id));
      setOutcomes((before) => new Map(before).set(line.task.id, outcome));
    }
    setStep('over');
    await queries.invalidateQueries({ queryKey: ['tasks'] });
  };
  const impossible =
    able.length === 0
      ? text('nothing')
      : isReading || lines.some((line) => line.impossible === undefined && isWaiting(action, line))
        ? text('reading')
        : isTyped
          ? undefined
          : common('dialog.type', { word: wanted ?? '' });
  return (
    <Dialog
      title={text(`title.${action}`, { count: tasks.length })}
      isOpen
      onClose={onClose}
      size="wide"
      buttons={
        step === 'over' ? (
          <Button onPress={onClose} autoFocus>
            {text('close')}
          </Button>
        ) : (
          <>
            <Button onPress={onClose} autoFocus>
              {common('dialog.cancel')}
            </Button>
            <Button
              kind={action === 'stop' ? 'danger' : 'primary'}
              needs="operator"
              isPending={step === 'run' || !isSettled}
              impossible={impossible}
              onPress={() => void run()}
            >
              {text(`action.${action}`, { tasks: able.length, count })}
            </Button>
          </>
        )
      }
    >
      <ul className={styles.lines}>
        {lines.map((line) => (
          <LineOf key={line.task.id} action={action} line={line} outcome={outcomes.get(line.task.id)} />
        ))}
      </ul>
      {action === 'stop' && <p>{text('final')}</p>}
      {action !== 'pause' && wanted !== undefined && step === 'ask' && (
        <TextInput label={common('dialog.type', { word: wanted })} value={word} onChange={setWord} isCode />
      )}
      {step === 'ask' && able.length > 0 && (
        <AsCommand request={able.map((line) => requestOf(action, line, names.get(line.task.pool_id)))} />
      )}
      {isChanged && <p role="alert">{common('stale.changed')}</p>}
      <p role="status" className="only-read-aloud">
        {step === 'over' &&
          text('result', {
            done: [...outcomes.values()].filter(({ done }) => done).length,
            count: lines.length,
          })}
      </p>
    </Dialog>
  );
}

const isWaiting = (action: ManyAction, { preview }: Line): boolean =>
  action === 'start' && preview === undefined;

function LineOf({
  action,
  line: { task, count, preview, impossible },
  outcome,
}: {
  action: ManyAction;
  line: Line;
  outcome: Outcome | undefined;
}): ReactNode {
  const text = useWords(manyWords);
  const { formatNumber } = useIntl();
  const says =
    impossible ??
    (isWaiting(action, { task, count, preview })
      ? text('reading')
      : text(`line.${action}`, {
          count,
          failed: formatNumber(task.failed),
          waiting: formatNumber((task.stat[0] ?? 0) + (task.stat[4] ?? 0)),
        }));
  return (
    <li data-impossible={impossible === undefined ? undefined : true}>
      <span>
        <Link href={to.task(task.id)}>
          #{task.id} {task.task_name}
        </Link>{' '}
        <small>{task.pool_name}</small>
      </span>
      <span>
        {says}
        {preview && impossible === undefined && outcome === undefined && (
          <details className={styles.plan}>
            <summary>{text('plan')}</summary>
            <PlanFacts preview={preview} />
          </details>
        )}
      </span>
      <span className={styles.outcome} data-done={outcome?.done}>
        {outcome && (
          <>
            <StateShape state={outcome.done ? 'success' : 'failed'} />{' '}
            {outcome.done ? text(`done.${action}`) : outcome.reason}
          </>
        )}
      </span>
    </li>
  );
}

/** What the action means for each task; for a start its plan, which it is bound to. */
function useLines(action: ManyAction, tasks: readonly Task[]): Line[] {
  const text = useWords(manyWords);
  const canStart = ({ state, end_reason }: Task): boolean =>
    state === 0 || state === 3 || (state === 4 && end_reason === '');
  const previews = useQueries({
    queries: tasks.map((task) => ({
      queryKey: ['start plan', task.id],
      queryFn: () =>
        unwrap(api.POST('/task/start/{id}/preview', { params: { path: { id: task.id } }, body: {} })),
      enabled: action === 'start' && canStart(task),
      // The plan that is on the screen: the start is refused when another one holds by then.
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 0,
    })),
  });
  return tasks.map((task, index): Line => {
    const { state, end_reason, stat } = task;
    const running = stat[1] ?? 0;
    if (action === 'pause')
      return { task, count: running, impossible: state === 1 ? undefined : text('not.running') };
    if (action === 'stop') {
      const isOver = !(state === 0 || state === 1 || (state === 4 && end_reason === ''));
      return { task, count: running, impossible: isOver ? text('not.open') : undefined };
    }
    const read = previews[index];
    const refused = read?.error ? reasonOf(read.error) : read?.data && refusedBecause(read.data);
    return {
      task,
      count: read?.data?.nodes.count ?? 0,
      preview: read?.data,
      impossible: canStart(task) ? refused : text('not.startable'),
    };
  });
}

/** The names of the protected pools of the tasks, for a stop. */
function useProtected(action: ManyAction, tasks: readonly Task[]) {
  const ids = action === 'stop' ? [...new Set(tasks.map(({ pool_id }) => pool_id))] : [];
  const pools = useQueries({
    queries: ids.map((id) => ({
      queryKey: ['pool', id, 'itself'],
      queryFn: () => unwrap(api.GET('/pool/{id}', { params: { path: { id } } })),
    })),
  });
  return {
    names: new Map(pools.flatMap(({ data }) => (data?.protected ? [[data.id, data.name] as const] : []))),
    isReading: pools.some(({ isPending }) => isPending),
  };
}

/** The request for one task, bound to what was shown. */
function requestOf(action: ManyAction, { task, preview }: Line, protectedName: string | undefined) {
  const confirm = action === 'stop' && protectedName !== undefined ? { confirm: protectedName } : {};
  const plan = action === 'start' && preview ? { if_plan: preview.plan } : {};
  return { method: 'POST' as const, path: `task/${action}/${task.id}`, body: { ...confirm, ...plan } };
}

async function carryOut(action: ManyAction, line: Line, protectedName: string | undefined): Promise<Outcome> {
  const params = { path: { id: line.task.id } };
  const { body } = requestOf(action, line, protectedName);
  try {
    if (action === 'pause') await unwrap(api.POST('/task/pause/{id}', { params, body }));
    else if (action === 'start') await unwrap(api.POST('/task/start/{id}', { params, body }));
    else await unwrap(api.POST('/task/stop/{id}', { params, body }));
    return { done: true };
  } catch (error) {
    return { done: false, reason: reasonOf(error as Error) };
  }
}
