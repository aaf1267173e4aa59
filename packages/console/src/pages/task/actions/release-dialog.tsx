import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useWords } from '../../../text/intl.js';
import { AsCommand } from '../../../ui/as-command.js';
import { ConfirmDialog } from '../../../ui/dialog.js';
import { TextInput } from '../../../ui/field.js';
import { type DialogProps, MOST_REASON } from './may.js';
import { actionWords } from './words.js';

/** The word of a person that no command of the task runs on a node any more. */
export function ReleaseDialog({
  onClose,
  onDone,
  nsid,
  ip,
}: DialogProps & { nsid: number; ip: string }): ReactNode {
  const text = useWords(actionWords);
  const [reason, setReason] = useState('');
  const given = reason.trim();
  const body = { reason: given };
  return (
    <ConfirmDialog
      title={text('release.title', { ip })}
      isOpen
      onClose={onClose}
      action={text('release.action', { ip })}
      impossible={
        given === ''
          ? text('release.needed')
          : given.length > MOST_REASON
            ? text('reason.long', { most: MOST_REASON })
            : undefined
      }
      onConfirm={async () => {
        await unwrap(api.POST('/task/release_node/{nsid}', { params: { path: { nsid } }, body }));
        await onDone();
      }}
    >
      <p>{text('release.what')}</p>
      <TextInput label={text('release.how')} value={reason} onChange={setReason} isRequired />
      <AsCommand request={{ method: 'POST', path: `task/release_node/${nsid}`, body }} />
    </ConfirmDialog>
  );
}
