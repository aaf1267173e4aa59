import type { Reason, TaskInfo } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { useManner } from '../../ui/refusal.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { WaysOut } from './actions/ways-out.js';
import { spansOf } from './run/ansi.js';
import styles from './task.module.css';
import type { Why } from './use-why.js';
import { linksOf, tellEnd, tellReason } from './why-text.js';
import { whyWords } from './why-words.js';
import { taskWords } from './words.js';

/** Text of a node without its colours, and with its control characters to be seen. */
function shownText(text: string): string {
  const lines = text.split('\n').map((line) => spansOf(line));
  return lines.map((spans) => spans.map(({ text }) => text).join('')).join('\n');
}

/** Reasons that say that something went wrong, not that something is waited for. */
const FAILED = /fail|refus|exceeded|timeout|timed_out|unreachable|output|gone/;

/**
 * A chain of reasons: each is the reason for the one before. Each leads to what it speaks of, and says since when it holds and what
 * would end it.
 */
export function Chain({ chain, taskId }: { chain: readonly Reason[]; taskId: number }): ReactNode {
  const text = useWords(taskWords);
  const words = useWords(whyWords);
  const manner = useManner();
  return (
    <ol className={styles.chain}>
      {chain.map((reason, index) => {
        const links = linksOf(reason, taskId, manner);
        const end = tellEnd(reason, manner);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a chain may have the same code twice.
          <li key={index} data-code={reason.code} data-failed={FAILED.test(reason.code) || undefined}>
            <span title={reason.text}>{shownText(tellReason(reason, manner))}</span>
            {reason.code === 'last_output' && <code>{shownText(String(reason.data.output ?? ''))}</code>}
            {links.map(({ href, words }) => (
              <Link key={href} href={href}>
                {words}
              </Link>
            ))}
            {reason.since !== null && (
              <small>
                {text('why.since')} <TimeText at={reason.since} />
              </small>
            )}
            {end !== undefined && (
              <small className={styles.ends}>
                {words('ends.label')} {end}
              </small>
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** The chain as the server says it: for a search, a report, and people who know its words. */
function ServerWords({ chain }: { chain: readonly Reason[] }): ReactNode {
  const words = useWords(whyWords);
  return (
    <details className={styles.server}>
      <summary>{words('server.words')}</summary>
      <ol lang="en">
        {chain.map((reason, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a chain may have the same code twice.
          <li key={index}>
            <code>{reason.code}</code> {shownText(reason.text)}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** The reason in sight above the nodes, while there is one. It has its place before it is read, so that the nodes stay where they are. */
export function WhyStrip({ task, why }: { task: TaskInfo; why: Why }): ReactNode {
  const text = useWords(taskWords);
  const chain = why.data?.chain ?? [];
  const isRead = why.data !== undefined || why.isError;
  if (task.state === 2 || (isRead && chain.length === 0)) return null;
  return (
    <section className={styles.strip} aria-label={text(task.end_reason === '' ? 'why.title' : 'why.ended')}>
      <h2>{text(task.end_reason === '' ? 'why.title' : 'why.ended')}</h2>
      <Chain chain={chain} taskId={task.id} />
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
            <Chain chain={chain} taskId={task.id} />
            <ServerWords chain={chain} />
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
              <Chain chain={node.chain} taskId={task.id} />
            </section>
          ))}
          {more_nodes > 0 && <p className={styles.empty}>{text('why.more', { count: more_nodes })}</p>}
        </div>
      )}
    </Region>
  );
}
