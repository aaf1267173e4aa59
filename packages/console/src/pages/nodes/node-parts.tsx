import type { PlacedNode } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { STATES, type StateName, StateShape } from '../../ui/state.js';
import styles from './nodes.module.css';
import { nodeWords } from './words.js';

/** A node of the API, with or without the names of where it is. */
export type NodeStatus = PlacedNode['status'];

/** The shape of each status: that of the state of a run which leads to it. */
const SHAPES: Record<NodeStatus, StateName> = { 0: 'initial', 1: 'success', 3: 'failed' };

/** The status of a node in shape, colour and word. */
export function StatusBadge({ status }: { status: NodeStatus }): ReactNode {
  const text = useWords(nodeWords);
  return (
    <span className={styles.status} data-state={SHAPES[status]}>
      <StateShape state={SHAPES[status]} />
      <span>{text(`status.${status}`)}</span>
    </span>
  );
}

/** The state of a run, without the box of a badge: in a list what succeeded must not stand out. */
export function RunStateText({ state }: { state: number }): ReactNode {
  const common = useWords();
  const name = STATES[state as 0 | 1 | 2 | 3 | 4] ?? 'initial';
  return (
    <span className={styles.status} data-state={name}>
      <StateShape state={name} />
      <span>{common(`state.${name}`)}</span>
    </span>
  );
}

/** A link to a task by its number. */
export function TaskLink({ id }: { id: number }): ReactNode {
  const text = useWords(nodeWords);
  return <Link href={to.task(id)}>{text('taskNumber', { id })}</Link>;
}

/** Numbers of nodes by status, as a bar and in words. */
export function StatusCounts({
  counts,
}: {
  counts: { not_ready: number; ok: number; failed: number };
}): ReactNode {
  const text = useWords(nodeWords);
  const parts = [
    { status: 1, count: counts.ok },
    { status: 3, count: counts.failed },
    { status: 0, count: counts.not_ready },
  ] as const;
  return (
    <span className={styles.counts}>
      {parts
        .filter(({ status, count }) => count > 0 || status === 1)
        .map(({ status, count }) => (
          <span key={status} className={styles.status} data-state={SHAPES[status]}>
            <StateShape state={SHAPES[status]} />
            <b>{count.toLocaleString()}</b> <span>{text(`status.${status}`)}</span>
          </span>
        ))}
    </span>
  );
}

/** Which image tags tasks put on the nodes: the most frequent one in full, the others shorter. */
export function VersionSpread({
  versions,
  nodes,
}: {
  versions: readonly { tag: string; nodes: number }[];
  nodes: number;
}): ReactNode {
  const text = useWords(nodeWords);
  if (nodes === 0) return null;
  return (
    <ul className={styles.versions}>
      {versions.map(({ tag, nodes: count }) => (
        <li key={tag}>
          <span className={styles.tag} data-none={tag === '' ? true : undefined}>
            {tag === '' ? text('version.none') : tag}
          </span>
          <span className={styles.share} aria-hidden="true">
            <i style={{ inlineSize: `${Math.max(1, (count / nodes) * 100)}%` }} />
          </span>
          <span className={styles.number}>
            {count.toLocaleString()} · {Math.round((count / nodes) * 100)} %
          </span>
        </li>
      ))}
    </ul>
  );
}
