import type { Preview } from '@rigel/api-client';
import type { ReactNode } from 'react';

import { to } from '../app/addresses.js';
import { useWords } from '../text/intl.js';
import { CopyButton } from '../ui/copy.js';
import { AsideLink } from './aside-link.js';
import { Disclosure } from './disclosure.js';
import styles from './plan.module.css';
import { planWords } from './words.js';

/** Nodes that are drawn in one list at most. */
const DRAWN = 200;
/** An address of the API for a node that has none. */
const NO_ADDRESS = '-';

interface Row {
  node_id: number;
  ip: string;
  /** What is to be said beside the address. */
  note: string;
}

/** Nodes of a plan by address, with what there is to say of each. */
function NodeRows({ rows, count }: { rows: readonly Row[]; count: number }): ReactNode {
  const text = useWords(planWords);
  const shown = rows.slice(0, DRAWN);
  return (
    <div className={styles.rows}>
      <p className={styles.rowsHead}>
        {count > shown.length && <span>{text('which.shown', { shown: shown.length, count })}</span>}
        <CopyButton
          text={rows
            .map(({ ip }) => ip)
            .filter((ip) => ip !== NO_ADDRESS)
            .join('\n')}
        >
          {text('which.copy')}
        </CopyButton>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reached by keyboard. */}
      <ul tabIndex={0} aria-label={text('which')}>
        {shown.map(({ node_id, ip, note }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an unknown address has no id, and may be there twice.
          <li key={`${node_id} ${ip} ${index}`}>
            {node_id > 0 ? (
              <AsideLink href={to.node(node_id)} className={styles.mono}>
                {ip === NO_ADDRESS ? text('which.none') : ip}
              </AsideLink>
            ) : (
              <span className={styles.mono}>{ip}</span>
            )}
            <span className={styles.quiet}>{note}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** How many nodes of each pool take part in how many batches, and which. */
export function TakingPart({ preview: { tasks, nodes } }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  const rows = nodes.rows.map(({ node_id, ip, batch, step }) => ({
    node_id,
    ip,
    note: [
      text('which.batch', { batch }),
      ...(step === undefined ? [] : [text('which.step', { step })]),
    ].join(', '),
  }));
  const [only, ...others] = tasks;
  const sentence = ({ pool_name, nodes: count, batches, batch_size }: (typeof tasks)[number]): ReactNode => (
    <>
      <b>{text('nodes', { count, pool: pool_name })}</b>
      {count > 0 && ` ${text('nodes.batches', { batches, size: batch_size })}`}
    </>
  );
  const made = nodes.to_make > 0 && <p>{text('nodes.make', { count: nodes.to_make })}</p>;
  if (only === undefined) return <b>{text('nodes', { count: 0, pool: '' })}</b>;
  const sentences =
    others.length === 0
      ? sentence(only)
      : tasks.map((task) => (
          <span key={task.pool_id} className={styles.pool}>
            {sentence(task)}
          </span>
        ));
  if (rows.length === 0)
    return (
      <>
        <p>{sentences}</p>
        {made}
      </>
    );
  return (
    <>
      <Disclosure
        title={text('which')}
        details={() => <NodeRows rows={rows} count={nodes.count - nodes.to_make} />}
      >
        {sentences}
      </Disclosure>
      {made}
    </>
  );
}

type LeftOut = Preview['left_out']['rows'][number];

/** How many nodes do not take part, by the reason, and which. */
export function LeftOutNodes({ preview: { left_out } }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  if (left_out.count === 0) return null;
  const groups = new Map<string, LeftOut[]>();
  for (const row of left_out.rows) {
    const key = `${row.code} ${row.task_id ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const rest = left_out.count - left_out.rows.length;
  return (
    <>
      <p className={styles.strong}>{text('left.sum', { count: left_out.count })}</p>
      <ul className={styles.groups}>
        {[...groups].map(([key, rows]) => (
          <li key={key}>
            <LeftOutGroup rows={rows} />
          </li>
        ))}
        {rest > 0 && <li>{text('left.more', { count: rest })}</li>}
      </ul>
    </>
  );
}

function LeftOutGroup({ rows }: { rows: readonly LeftOut[] }): ReactNode {
  const text = useWords(planWords);
  const [{ code, task_id } = { code: 'unknown' as const, task_id: undefined }] = rows;
  const count = rows.length;
  const [before = '', after = ''] =
    code === 'held' && task_id !== undefined
      ? text('left.held', { count, task: '\u0000' }).split('\u0000')
      : [];
  return (
    <Disclosure
      title={text('which')}
      details={() => (
        <NodeRows rows={rows.map(({ node_id, ip }) => ({ node_id, ip, note: '' }))} count={count} />
      )}
    >
      {code === 'held' && task_id !== undefined ? (
        <>
          {before}
          <AsideLink href={to.task(task_id)}>#{task_id}</AsideLink>
          {after}
        </>
      ) : (
        text(code === 'held' ? 'left.held.other' : `left.${code}`, { count })
      )}
    </Disclosure>
  );
}
