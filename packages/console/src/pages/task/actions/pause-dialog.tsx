import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useWords } from '../../../text/intl.js';
import { AsCommand } from '../../../ui/as-command.js';
import { ConfirmDialog } from '../../../ui/dialog.js';
import { LiveCount } from '../../../ui/live-count.js';
import { type DialogProps, MOST_REASON } from './may.js';
import { ReasonField, reasonIn } from './reason-field.js';
import { actionWords } from './words.js';

/** A pause with its reason. Without one a pause needs no dialog: it can be undone. */
export function PauseDialog({ task, onClose, onDone }: DialogProps): ReactNode {
  const text = useWords(actionWords);
  const [reason, setReason] = useState('');
  const body = reasonIn(reason);
  return (
    <ConfirmDialog
      title={text('pause.title', { id: task.id })}
      isOpen
      onClose={onClose}
      kind="primary"
      action={text('pause')}
      impossible={
        task.state !== 1
          ? text('pause.notRunning')
          : reason.trim().length > MOST_REASON
            ? text('reason.long', { most: MOST_REASON })
            : undefined
      }
      onConfirm={async () => {
        await unwrap(api.POST('/task/pause/{id}', { params: { path: { id: task.id } }, body }));
        await onDone();
      }}
    >
      <p>
        <LiveCount value={task.stat[1] ?? 0} /> {text('pause.finish', { count: task.stat[1] ?? 0 })}
      </p>
      <ReasonField value={reason} onChange={setReason} />
      <AsCommand request={{ method: 'POST', path: `task/pause/${task.id}`, body }} />
    </ConfirmDialog>
  );
}
