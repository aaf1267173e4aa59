import { type TaskInfo, unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { useIntl, useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { reasonOf } from '../../ui/region.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** Stopping more nodes than this asks for their number to be typed. */
const MANY_NODES = 500;

/** Pause, start and stop of a task, each with what it means in numbers. */
export function TaskActions({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const queries = useQueryClient();
  const [asked, setAsked] = useState<'start' | 'stop'>();
  const [failure, setFailure] = useState<string>();
  const again = (): Promise<void> => queries.invalidateQueries({ queryKey: ['task', task.id] });
  const close = (): void => setAsked(undefined);
  const pause = async (): Promise<void> => {
    setFailure(undefined);
    try {
      await unwrap(api.POST('/task/pause/{id}', { params: { path: { id: task.id } } }));
      await again();
    } catch (error) {
      setFailure(reasonOf(error as Error));
    }
  };
  const isPaused = task.state === 4 && task.end_reason === '';
  const canStart = task.state === 0 || task.state === 3 || isPaused;
  const canStop = task.state === 0 || task.state === 1 || isPaused;
  return (
    <div className={styles.actions}>
      {task.state === 1 && (
        <Button needs="operator" onPress={() => void pause()}>
          {text('act.pause')}
        </Button>
      )}
      {canStart && (
        <Button needs="operator" onPress={() => setAsked('start')}>
          {text(task.state === 0 ? 'act.start' : 'act.resume')}
        </Button>
      )}
      {canStop && (
        <Button kind="danger" needs="operator" onPress={() => setAsked('stop')}>
          {text('act.stop')}
        </Button>
      )}
      {failure !== undefined && <p role="alert">{failure}</p>}
      {asked === 'start' && <StartDialog task={task} onClose={close} onDone={again} />}
      {asked === 'stop' && <StopDialog task={task} onClose={close} onDone={again} />}
    </div>
  );
}

interface DialogProps {
  task: TaskInfo;
  onClose: () => void;
  onDone: () => Promise<void>;
}

function StartDialog({ task, onClose, onDone }: DialogProps): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const [waiting = 0, , , failed = 0, halted = 0] = task.stat;
  const count = waiting + failed + halted;
  return (
    <ConfirmDialog
      title={text('start.title', { id: task.id })}
      isOpen
      onClose={onClose}
      kind="primary"
      action={text('start.action', { count })}
      onConfirm={async () => {
        await unwrap(api.POST('/task/start/{id}', { params: { path: { id: task.id } } }));
        await onDone();
      }}
    >
      <ul className={styles.consequences}>
        {waiting > 0 && <li>{text('start.waiting', { count: formatNumber(waiting) })}</li>}
        {halted > 0 && <li>{text('start.halted', { count: formatNumber(halted) })}</li>}
        {failed > 0 && <li>{text('start.failed', { count: formatNumber(failed) })}</li>}
        <li>{text('start.size', { size: formatNumber(task.step_len) })}</li>
      </ul>
      <AsCommand request={{ method: 'POST', path: `task/start/${task.id}` }} />
    </ConfirmDialog>
  );
}

function StopDialog({ task, onClose, onDone }: DialogProps): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  // A protected pool asks for its name.
  const pool = useLiveQuery({
    key: ['pool', task.pool_id],
    read: () => unwrap(api.GET('/pool/{id}', { params: { path: { id: task.pool_id } } })),
    pollMs: 60_000,
  });
  const [waiting = 0, running = 0, , , halted = 0] = task.stat;
  const isProtected = pool.data?.protected === true;
  const typed = isProtected ? pool.data?.name : running > MANY_NODES ? String(running) : undefined;
  const body = isProtected && pool.data ? { confirm: pool.data.name } : {};
  return (
    <ConfirmDialog
      title={text('stop.title', { id: task.id })}
      isOpen
      onClose={onClose}
      action={text('stop.action', { count: running })}
      {...(typed === undefined ? {} : { typed })}
      onConfirm={async () => {
        await unwrap(api.POST('/task/stop/{id}', { params: { path: { id: task.id } }, body }));
        await onDone();
      }}
    >
      <ul className={styles.consequences}>
        <li>{text('stop.running', { count: formatNumber(running) })}</li>
        {waiting + halted > 0 && <li>{text('stop.waiting', { count: formatNumber(waiting + halted) })}</li>}
        <li>{text('stop.final')}</li>
      </ul>
      <AsCommand request={{ method: 'POST', path: `task/stop/${task.id}`, body }} />
    </ConfirmDialog>
  );
}
