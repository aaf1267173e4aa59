import { type TaskBatch, type TaskInfo, type TaskLogLine, unwrap } from '@rigel/api-client';
import { type ReactNode, useMemo, useRef, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { TextInput } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { StateBar } from '../../ui/state.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { TimeText } from '../../ui/time-text.js';
import { GroupActions } from './actions/group-actions.js';
import { pollOf } from './poll.js';
import styles from './task.module.css';
import { useBatches } from './use-batches.js';
import { taskWords } from './words.js';

/** One line for each batch: counts, times, the node that ended last, what it waits for. */
export function BatchesTab({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const { query, batches, readOn } = useBatches(task);
  const columns: Column<TaskBatch>[] = [
    {
      name: 'batch',
      title: text('batches.batch'),
      width: '64px',
      align: 'end',
      narrow: 'first',
      cell: ({ batch_id }) => formatNumber(batch_id),
    },
    {
      name: 'bar',
      title: text('batches.nodes'),
      width: 'minmax(120px, 2fr)',
      narrow: 'hidden',
      cell: ({ stat }) => <StateBar counts={stat} />,
    },
    {
      name: 'done',
      title: text('batches.done'),
      width: '96px',
      align: 'end',
      narrow: 'first',
      cell: ({ stat }) =>
        `${formatNumber(stat.slice(2).reduce((sum, n) => sum + n, 0))} / ${formatNumber(stat.reduce((sum, n) => sum + n, 0))}`,
    },
    {
      name: 'started',
      title: text('batches.started'),
      width: '120px',
      cell: ({ started_at }) =>
        started_at === null ? text('batches.not') : <TimeText at={started_at} withDate={false} />,
    },
    {
      name: 'took',
      title: text('batches.took'),
      width: '90px',
      align: 'end',
      cell: ({ started_at, ended_at }) =>
        started_at === null || ended_at === null
          ? ''
          : durationText(Date.parse(ended_at) - Date.parse(started_at)),
    },
    {
      name: 'last',
      title: text('batches.last'),
      width: 'minmax(120px, 1fr)',
      narrow: 'hidden',
      cell: ({ last }) => last && <NodeLink task={task} node={last} />,
    },
    {
      name: 'waits',
      title: text('batches.waits'),
      width: 'minmax(160px, 1fr)',
      cell: ({ started_at, ended_at, open: [first], stat }) => {
        const open = (stat[0] ?? 0) + (stat[1] ?? 0);
        if (started_at === null || ended_at !== null || !first) return '';
        if (open === 1) return <NodeLink task={task} node={first} />;
        return text('batches.more', { ip: first.ip, count: open - 1 });
      },
    },
  ];
  return (
    <Region what={text('what.batches')} query={query}>
      {() => (
        <VirtualTable
          label={text('tab.batches')}
          columns={columns}
          rows={batches}
          keyOf={({ batch_id }) => batch_id}
          onEnd={readOn}
        />
      )}
    </Region>
  );
}

function NodeLink({ task, node }: { task: TaskInfo; node: { node_id: number; ip: string } }): ReactNode {
  return (
    <Link href={to.task(task.id, { tab: 'nodes', node: node.node_id })}>
      <code>{node.ip}</code>
    </Link>
  );
}

/** Failed nodes by step and reason, the largest group first, each with what can be done with all of it. */
export function FailuresTab({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const query = useLiveQuery({
    key: ['task', task.id, 'failures'],
    topic: `failures:${task.id}`,
    read: () => unwrap(api.GET('/task/{id}/failures', { params: { path: { id: task.id } } })),
    pollMs: pollOf(task),
  });
  return (
    <Region
      what={text('what.failures')}
      query={query}
      isEmpty={({ failed }) => failed === 0}
      empty={<p className={styles.empty}>{text('failures.none')}</p>}
    >
      {({ rows, more_groups }) => (
        <div className={styles.scroll}>
          <ol className={styles.failures}>
            {rows.map((group) => {
              const others = group.count - group.nodes.length;
              return (
                <li key={`${group.step_num} ${group.reason}`}>
                  <h3>
                    <b className={styles.failedCount}>{formatNumber(group.count)}</b>{' '}
                    {text('failures.step', { step: group.step })} <code>{group.reason}</code>
                  </h3>
                  {group.example !== group.reason && (
                    <p className={styles.quiet}>
                      {text('failures.as')} <code>{group.example}</code>
                    </p>
                  )}
                  <p className={styles.quiet}>
                    {text('failures.between')} <TimeText at={group.first_at} withDate={false} />{' '}
                    {text('failures.and')} <TimeText at={group.last_at} withDate={false} />
                  </p>
                  <ul className={styles.nodes}>
                    {group.nodes.map((node) => (
                      <li key={node.id}>
                        <NodeLink task={task} node={node} />
                      </li>
                    ))}
                    {others > 0 && <li>+ {formatNumber(others)}</li>}
                  </ul>
                  <GroupActions task={task} group={group} />
                </li>
              );
            })}
          </ol>
          {more_groups > 0 && <p className={styles.empty}>{text('failures.more', { count: more_groups })}</p>}
        </div>
      )}
    </Region>
  );
}

/** The events of the task in words, followed while it runs. */
export function LogTab({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const [wanted, setWanted] = useState('');
  const kept = useRef<{ id: number; lines: TaskLogLine[] }>({ id: task.id, lines: [] });
  if (kept.current.id !== task.id) kept.current = { id: task.id, lines: [] };
  const query = useLiveQuery({
    key: ['task', task.id, 'log'],
    read: async () => {
      const { lines } = kept.current;
      const answer = await unwrap(
        api.GET('/task/{id}/log', {
          params: { path: { id: task.id }, query: { after: lines.at(-1)?.id ?? 0, kind: 'task' } },
        }),
      );
      // Under this kind the answer is lines of a task; the type also has the log of a node.
      const more = answer as TaskLogLine[];
      if (more.length > 0) kept.current = { id: task.id, lines: [...lines, ...more] };
      return kept.current.lines;
    },
    pollMs: pollOf(task),
  });
  const all = query.data;
  const lines = useMemo(() => {
    const words = wanted.trim().toLowerCase();
    return words === '' ? all : all?.filter(({ message }) => message.toLowerCase().includes(words));
  }, [all, wanted]);
  const columns: Column<TaskLogLine>[] = [
    {
      name: 'time',
      title: text('log.time'),
      width: '110px',
      narrow: 'first',
      cell: ({ ctime }) => <TimeText at={new Date(ctime * 1_000)} withDate={false} />,
    },
    {
      name: 'batch',
      title: text('log.batch'),
      width: '56px',
      align: 'end',
      narrow: 'hidden',
      cell: ({ batch_id }) => (batch_id === 0 ? '' : formatNumber(batch_id)),
    },
    {
      name: 'text',
      title: text('log.text'),
      width: 'minmax(240px, 1fr)',
      cell: ({ message }) => <span title={message}>{message}</span>,
    },
  ];
  return (
    <Region
      what={text('what.log')}
      query={query}
      isEmpty={(rows) => rows.length === 0}
      empty={<p className={styles.empty}>{text('log.none')}</p>}
    >
      {(rows) => (
        <>
          <div className={styles.tools}>
            <div className={styles.find}>
              <TextInput label={text('log.find')} value={wanted} onChange={setWanted} type="search" />
            </div>
            <span className={styles.quiet}>
              {text('log.count', {
                shown: formatNumber(lines?.length ?? 0),
                count: formatNumber(rows.length),
              })}
            </span>
          </div>
          <VirtualTable label={text('tab.log')} columns={columns} rows={lines ?? []} keyOf={({ id }) => id} />
        </>
      )}
    </Region>
  );
}
