import { unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { useLimits } from '../../plan/limit-fields.js';
import { PlanDialog } from '../../plan/plan-form.js';
import { startedTasks } from '../../plan/started-tasks.js';
import { useWords } from '../../text/intl.js';
import { CountInput, countOf } from '../../ui/count-input.js';
import { TextArea } from '../../ui/field.js';
import { runWords } from './words.js';

/** As the API takes it. */
const MOST_SCRIPT = 65_536;
const MOST_SECONDS = 86_400;
/** Nodes that are worked on at once unless something else is entered, in percent. */
const AT_ONCE_PERCENT = 10;

/** Where a command runs: all nodes of a pool, or these addresses. */
export type RunTarget =
  | { pool: { id: number; name: string }; count: number }
  | { addresses: readonly string[] };

/** Runs a command or a script, which is written here, on nodes. The task that it becomes is shown with what the nodes print. */
export function RunDialog({ target, onClose }: { target: RunTarget; onClose: () => void }): ReactNode {
  const text = useWords(runWords);
  const [, navigate] = useLocation();
  const count = 'pool' in target ? target.count : target.addresses.length;
  const [script, setScript] = useState('');
  const [seconds, setSeconds] = useState('');
  const { fields, limits } = useLimits({
    num: String(Math.max(1, Math.ceil((count * AT_ONCE_PERCENT) / 100))),
  });
  const isTooLong = script.length > MOST_SCRIPT;
  const limit = countOf(seconds, 1, MOST_SECONDS);
  const isWrong = Number.isNaN(limit);
  const missing =
    script.trim() === ''
      ? text('script.missing')
      : isTooLong
        ? text('script.long', { count: script.length, most: MOST_SCRIPT })
        : isWrong || limits === undefined
          ? text('numbers')
          : undefined;
  const where =
    'pool' in target ? { pool_id: target.pool.id } : { nodes: target.addresses.map((ip) => ({ ip })) };
  const body =
    missing === undefined
      ? { script, ...where, ...limits, ...(limit === undefined ? {} : { step_timeout: limit }) }
      : undefined;
  return (
    <PlanDialog
      title={
        'pool' in target ? text('title.pool', { pool: target.pool.name }) : text('title.nodes', { count })
      }
      onClose={onClose}
      body={body}
      missing={missing}
      preview={(body) => unwrap(api.POST('/task/run/preview', { body }))}
      run={(body, header) => startedTasks(api.POST('/task/run', { params: { header }, body }))}
      path="task/run"
      needs="run"
      action={(preview) => (preview ? text('action', { count: preview.nodes.count }) : text('verb'))}
      onStarted={([id]) => {
        onClose();
        if (id !== undefined) navigate(to.task(id, { tab: 'output' }));
      }}
    >
      <TextArea
        label={text('script')}
        hint={text('script.hint')}
        value={script}
        onChange={setScript}
        rows={6}
        isRequired
        autoFocus
        error={isTooLong ? text('script.long', { count: script.length, most: MOST_SCRIPT }) : undefined}
      />
      {fields}
      <CountInput
        label={text('limit')}
        hint={text('limit.hint')}
        value={seconds}
        onChange={setSeconds}
        error={isWrong ? text('limit.error') : undefined}
      />
    </PlanDialog>
  );
}
