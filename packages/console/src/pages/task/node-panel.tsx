import { type TaskInfo, unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import type { GridModel } from './grid/grid-model.js';
import { NodeOutput } from './node-output.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** What the task does on one node: where it stands and what it says, and what its commands printed. */
export function NodeSummary({
  task,
  model,
  node,
}: {
  task: TaskInfo;
  model: GridModel;
  node: number;
}): ReactNode {
  const text = useWords(taskWords);
  const index = model.indexOfNode(node);
  const nsid = model.firstId + (index ?? 0);
  const query = useLiveQuery({
    key: ['task', task.id, 'run', nsid],
    read: async () =>
      (
        await unwrap(
          api.GET('/task/{id}/runs', { params: { path: { id: task.id }, query: { nsid, limit: 1 } } }),
        )
      ).rows,
    enabled: index !== undefined,
    pollMs: task.state === 1 ? 2_000 : 30_000,
  });
  if (index === undefined) return <p>{text('panel.missing', { id: node })}</p>;
  return (
    <Region what={text('panel.run')} query={query}>
      {([run]) =>
        run && (
          <>
            <p className={styles.quiet}>
              {task.pool_name} · {text('grid.batch', { batch: run.batch_id })} · {text('panel.run')} {run.id}
              {run.vm_id === '' ? '' : ` · ${text('panel.machine')} ${run.vm_id}`}
            </p>
            <p className={styles.panelState}>
              <StateBadge state={STATES[run.state] ?? 'initial'} />{' '}
              {run.attempts > 0 && text('grid.step', { step: run.step, attempt: run.attempts })}
            </p>
            {run.message !== '' && <pre className={styles.message}>{run.message}</pre>}
            <p className={styles.quiet}>
              {text('grid.since')} <TimeText at={run.updated_at} />
            </p>
            <NodeOutput key={run.id} nsid={run.id} isRunning={run.state === 1} />
          </>
        )
      }
    </Region>
  );
}
