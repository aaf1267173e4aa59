import { type TaskInfo, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { TimeText } from '../../ui/time-text.js';
import type { GridModel } from './grid/grid-model.js';
import { textOf } from './grid/grid-view.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** A run must be looked at for so long before its reason is read, in milliseconds. */
const LOOK_MS = 200;

interface LookLineProps {
  task: TaskInfo;
  model: GridModel;
  /** The run that is looked at; undefined: none, and the hint stands here. */
  index: number | undefined;
  hint: string;
  count: string;
}

/** What one cell of the grid is, in words, with the reason, which is read when somebody looks. */
export function LookLine({ task, model, index, hint }: LookLineProps): ReactNode {
  const text = useWords(taskWords);
  const settled = useSettled(index);
  const state = settled === undefined ? 0 : (model.state[settled] ?? 0);
  const changed = settled === undefined ? 0 : (model.changed[settled] ?? 0);
  const nsid = model.firstId + (settled ?? 0);
  const { data } = useQuery({
    queryKey: ['task', task.id, 'run', nsid, state, changed],
    queryFn: async () =>
      (
        await unwrap(
          api.GET('/task/{id}/runs', { params: { path: { id: task.id }, query: { nsid, limit: 1 } } }),
        )
      ).rows[0],
    // What succeeded, or only waits for its batch, has nothing to say.
    enabled: settled !== undefined && state !== 2 && !(state === 0 && model.marks[settled] === 0),
    staleTime: 60_000,
  });
  if (index === undefined) return <p className={styles.look}>{hint}</p>;
  const at = new Date(Date.parse(task.created_at) + (model.changed[index] ?? 0) * 1_000);
  return (
    <p className={styles.look} data-state-of={model.state[index]}>
      <b>
        {textOf(
          model,
          index,
          task.options.map(({ name }) => name),
          text,
        )}
      </b>
      {' · '}
      {text('grid.since')} <TimeText at={at} withDate={false} />
      {data && index === settled && data.message !== '' && (
        <>
          {' · '}
          <code>{data.message}</code>
        </>
      )}
    </p>
  );
}

function useSettled(index: number | undefined): number | undefined {
  const [settled, setSettled] = useState(index);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(index), LOOK_MS);
    return () => clearTimeout(timer);
  }, [index]);
  return settled;
}
