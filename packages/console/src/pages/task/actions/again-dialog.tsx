import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { api } from '../../../api/api.js';
import { to } from '../../../app/addresses.js';
import { PlanDialog } from '../../../plan/plan-form.js';
import { startedTasks } from '../../../plan/started-tasks.js';
import { useWords } from '../../../text/intl.js';
import { Choice } from '../../../ui/choice.js';
import type { DialogProps } from './may.js';
import { actionWords } from './words.js';

type Which = 'all' | 'failed' | 'not_succeeded';

/** Makes a new task of one that has ended, over all of its nodes or some of them. */
export function AgainDialog({ task, onClose }: DialogProps): ReactNode {
  const text = useWords(actionWords);
  const [, navigate] = useLocation();
  const [initial = 0, , succeeded = 0, failed = 0] = task.stat;
  const others = task.nodes - succeeded;
  const [which, setWhich] = useState<Which>(failed > 0 ? 'failed' : 'all');
  const params = { path: { id: task.id } };
  const choices: [Which, string][] = [
    ['all', text('again.all', { count: task.nodes })],
    ...(failed > 0 ? [['failed', text('again.failed', { count: failed })] as [Which, string]] : []),
    ...(others > failed || initial > 0
      ? [['not_succeeded', text('again.others', { count: others })] as [Which, string]]
      : []),
  ];
  return (
    <PlanDialog
      title={text('again.title', { id: task.id })}
      onClose={onClose}
      body={which === 'all' ? {} : { only: which }}
      preview={(body) => unwrap(api.POST('/task/again/{id}/preview', { params, body }))}
      run={(body, header) =>
        startedTasks(api.POST('/task/again/{id}', { params: { ...params, header }, body }))
      }
      path={`task/again/${task.id}`}
      action={(preview) =>
        preview ? text('again.action', { count: preview.nodes.count }) : text('again.verb')
      }
      onStarted={([id]) => {
        onClose();
        if (id !== undefined) navigate(to.task(id));
      }}
    >
      <Choice label={text('again.which')} value={which} choices={choices} onChange={setWhich} />
      <p>{text(task.one_off ? 'again.oneOff' : 'again.what')}</p>
    </PlanDialog>
  );
}
