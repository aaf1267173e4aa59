import { type Task, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { Heading } from '../../app/frame.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge, StateBar } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './tasks-page.module.css';

/** All tasks, newest first. */
export function TasksPage(): ReactNode {
  const text = useWords();
  const query = useQuery({
    queryKey: ['tasks'],
    queryFn: async () => unwrap(api.GET('/task/list', { params: { query: { page: 1, page_size: 50 } } })),
    refetchInterval: 3_000,
  });
  return (
    <>
      <Heading title={text('page.tasks')} />
      <Region what={text('page.tasks')} query={query} isEmpty={(rows) => rows.length === 0} empty={null}>
        {(rows) => <TaskTable rows={rows} />}
      </Region>
    </>
  );
}

function TaskTable({ rows }: { rows: readonly Task[] }): ReactNode {
  return (
    <ul className={styles.tasks}>
      {rows.map((task) => (
        <li key={task.id}>
          <span className={styles.id}>{task.id}</span>
          <span className={styles.name}>
            {task.task_name}
            <small>{task.pool_name}</small>
          </span>
          <StateBadge state={STATES[task.state]} />
          <StateBar counts={task.stat} />
          <span className={styles.who}>{task.opr_user}</span>
          <TimeText at={task.created} />
        </li>
      ))}
    </ul>
  );
}
