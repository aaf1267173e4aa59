import { type Reason, type TaskInfo, unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { WaysOut } from './actions/ways-out.js';
import { spansOf } from './run/ansi.js';
import styles from './task.module.css';
import { taskWords } from './words.js';

/** Why a task waits, has failed or ended so, as the API tells it. */
export function useWhy(task: TaskInfo) {
  return useLiveQuery({
    key: ['task', task.id, 'why'],
    read: () => unwrap(api.GET('/task/{id}/why', { params: { path: { id: task.id } } })),
    pollMs: task.state === 1 ? 3_000 : 30_000,
  });
}

export type Why = ReturnType<typeof useWhy>;

/** Text of a node without its colours, and with its control characters to be seen. */
function shownText(text: string): string {
  const lines = text.split('\n').map((line) => spansOf(line));
  return lines.map((spans) => spans.map(({ text }) => text).join('')).join('\n');
}

/** Reasons that say that something went wrong, not that something is waited for. */
const FAILED = /fail|refus|exceeded|timeout|timed_out|unreachable|output|gone/;

/** A chain of reasons: each is the reason for the one before. */
export function Chain({ chain }: { chain: readonly Reason[] }): ReactNode {
  const text = useWords(taskWords);
  return (
    <ol className={styles.chain}>
      {chain.map((reason, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a chain may have the same code twice.
        <li key={index} data-failed={FAILED.test(reason.code) || undefined}>
          {reason.code.includes('output') ? (
            <code>{shownText(reason.text)}</code>
          ) : (
            <span>{reason.text}</span>
          )}
          <ReasonLink reason={reason} />
          {reason.since !== null && (
            <small>
              {text('why.since')} <TimeText at={reason.since} />
            </small>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The other task that a reason speaks of. */
function ReasonLink({ reason: { data } }: { reason: Reason }): ReactNode {
  const { task } = data as { task?: unknown };
  if (typeof task !== 'number') return null;
  return <Link href={to.task(task)}>#{task}</Link>;
}

/** The reason in sight above the nodes, while there is one. */
export function WhyStrip({ task, why }: { task: TaskInfo; why: Why }): ReactNode {
  const text = useWords(taskWords);
  const chain = why.data?.chain ?? [];
  if (task.state === 2 || chain.length === 0) return null;
  return (
    <section className={styles.strip} aria-label={text(task.end_reason === '' ? 'why.title' : 'why.ended')}>
      <h2>{text(task.end_reason === '' ? 'why.title' : 'why.ended')}</h2>
      <Chain chain={chain} />
      <WaysOut task={task} why={why} />
    </section>
  );
}

/** The chain of the task, and those of its nodes that wait or have failed. */
export function WhyTab({ task, why }: { task: TaskInfo; why: Why }): ReactNode {
  const text = useWords(taskWords);
  return (
    <Region what={text('what.why')} query={why}>
      {({ chain, nodes, more_nodes }) => (
        <div className={styles.scroll}>
          <section className={styles.whole}>
            <Chain chain={chain} />
            <WaysOut task={task} why={why} />
          </section>
          {nodes.length > 0 && <h2 className={styles.part}>{text('why.nodes')}</h2>}
          {nodes.map((node) => (
            <section key={node.run_id} className={styles.whole}>
              <h3>
                <Link href={to.task(task.id, { tab: 'why', node: node.node_id })}>
                  <code>{node.ip}</code>
                </Link>{' '}
                <StateBadge state={STATES[node.state] ?? 'initial'} />
              </h3>
              <Chain chain={node.chain} />
            </section>
          ))}
          {more_nodes > 0 && <p className={styles.empty}>{text('why.more', { count: more_nodes })}</p>}
        </div>
      )}
    </Region>
  );
}
