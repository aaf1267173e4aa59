import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { useWords } from '../../../text/intl.js';
import { AsCommand } from '../../../ui/as-command.js';
import { ConfirmDialog } from '../../../ui/dialog.js';
import { LiveCount } from '../../../ui/live-count.js';
import type { GridModel } from '../grid/grid-model.js';
import styles from './actions.module.css';
import { type DialogProps, MOST_REASON, mayStop } from './may.js';
import { ReasonField, reasonIn } from './reason-field.js';
import { actionWords } from './words.js';

/** Stopping more nodes than this asks for their number to be typed. */
const MANY_NODES = 500;
/** Nodes that are named. */
const NAMED = 5;
const RUNNING = 1;

/** Asks before a task is ended for good: what that means now, in numbers and names. */
export function StopDialog({
  task,
  model,
  onClose,
  onDone,
}: DialogProps & { model: GridModel | undefined }): ReactNode {
  const text = useWords(actionWords);
  const [reason, setReason] = useState('');
  // A protected pool asks for its name.
  const pool = useLiveQuery({
    key: ['pool', task.pool_id, 'itself'],
    read: () => unwrap(api.GET('/pool/{id}', { params: { path: { id: task.pool_id } } })),
    pollMs: 60_000,
  });
  const [waiting = 0, running = 0, , , halted = 0] = task.stat;
  // A number that changes while it is typed could not be typed: it is the first one that is that large.
  const [asked, setAsked] = useState(running);
  if (asked <= MANY_NODES && running > MANY_NODES) setAsked(running);
  const [hadWaiting] = useState(waiting + halted > 0);
  const isProtected = pool.data?.protected === true;
  const typed = isProtected ? pool.data?.name : asked > MANY_NODES ? String(asked) : undefined;
  const body = { ...(isProtected && pool.data ? { confirm: pool.data.name } : {}), ...reasonIn(reason) };
  const names = model ? namesOf(model) : [];
  return (
    <ConfirmDialog
      title={text('stop.title', { id: task.id })}
      isOpen
      onClose={onClose}
      action={text('stop.action', { count: running })}
      impossible={
        !mayStop(task)
          ? text('stop.over')
          : reason.trim().length > MOST_REASON
            ? text('reason.long', { most: MOST_REASON })
            : undefined
      }
      {...(typed === undefined ? {} : { typed })}
      onConfirm={async () => {
        await unwrap(api.POST('/task/stop/{id}', { params: { path: { id: task.id } }, body }));
        await onDone();
      }}
    >
      <ul className={styles.consequences}>
        <li>
          <LiveCount value={running} /> {text('stop.running', { count: running })}
          {names.length > 0 && (
            <p className={styles.names}>
              {names.map((ip) => (
                <code key={ip}>{ip}</code>
              ))}
              {running > names.length && <span>{text('more', { count: running - names.length })}</span>}
            </p>
          )}
        </li>
        {(hadWaiting || waiting + halted > 0) && (
          <li>
            <LiveCount value={waiting + halted} /> {text('stop.waiting', { count: waiting + halted })}
          </li>
        )}
        <li>{text('stop.final')}</li>
      </ul>
      {isProtected && <p>{text('stop.protected', { pool: pool.data?.name ?? '' })}</p>}
      <ReasonField value={reason} onChange={setReason} />
      <AsCommand request={{ method: 'POST', path: `task/stop/${task.id}`, body }} />
    </ConfirmDialog>
  );
}

/** The first nodes at work. */
function namesOf({ state, ips }: GridModel): string[] {
  const names: string[] = [];
  for (let index = 0; index < state.length && names.length < NAMED; index++)
    if (state[index] === RUNNING) names.push(ips[index] as string);
  return names;
}
