import { type TaskInfo, unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../../api/api.js';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { reasonOf } from '../../../ui/region.js';
import styles from './actions.module.css';
import { isPaused } from './may.js';
import { actionWords } from './words.js';

/** How long a pause can be undone by one press, in seconds. */
const UNDO_S = 10;

/** Pauses a task at once. For some seconds the pause can be undone: exactly the runs that it halted go on. */
export function PauseButton({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(actionWords);
  const queries = useQueryClient();
  const [failure, setFailure] = useState<string>();
  const [isPending, setPending] = useState(false);
  /** Seconds for which the undo is still there; 0: it is not. */
  const [left, setLeft] = useState(0);
  const isOffered = left > 0;
  useEffect(() => {
    if (!isOffered) return;
    const timer = setInterval(() => setLeft((seconds) => Math.max(0, seconds - 1)), 1_000);
    return () => clearInterval(timer);
  }, [isOffered]);
  const send = async (call: () => Promise<unknown>, after: number): Promise<void> => {
    setPending(true);
    setFailure(undefined);
    try {
      await call();
      setLeft(after);
    } catch (error) {
      setLeft(0);
      setFailure(reasonOf(error as Error));
    } finally {
      setPending(false);
      await queries.invalidateQueries({ queryKey: ['task', task.id] });
    }
  };
  const params = { path: { id: task.id } };
  const pause = () => send(() => unwrap(api.POST('/task/pause/{id}', { params })), UNDO_S);
  const undo = () =>
    send(() => unwrap(api.POST('/task/start/{id}', { params, body: { runs: 'halted' } })), 0);
  return (
    <>
      {task.state === 1 && !isOffered && (
        <Button needs="operator" isPending={isPending} onPress={() => void pause()}>
          {text('pause')}
        </Button>
      )}
      {isOffered && (isPaused(task) || task.state === 1) && (
        <span className={styles.undo}>
          {/* Said once, and not with each second. */}
          <span role="status">{text('pause.done')}</span>
          <Button kind="primary" isPending={isPending} onPress={() => void undo()} autoFocus>
            {text('undo')} <span aria-hidden="true">{left}</span>
          </Button>
        </span>
      )}
      {failure !== undefined && (
        <p role="alert" className={styles.failure}>
          {failure}
        </p>
      )}
    </>
  );
}
