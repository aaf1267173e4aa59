import type { TaskInfo } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../../app/addresses.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { StateShape } from '../../../ui/state.js';
import { type GridModel, MARK } from '../grid/grid-model.js';
import styles from './actions.module.css';
import { actionWords } from './words.js';

/** Nodes that are named. */
const NAMED = 8;

interface EndProofProps {
  task: TaskInfo;
  model: GridModel | undefined;
}

/**
 * After the end of a task that was cut short: how many of its commands are still being ended, on which nodes, and at last that
 * nothing of it runs anywhere.
 */
export function EndProof({ task, model }: EndProofProps): ReactNode {
  const text = useWords(actionWords);
  const { formatNumber } = useIntl();
  const { end_reason, commands_alive } = task;
  if (end_reason === '' || commands_alive === undefined) return null;
  const wasCut = end_reason === 'stopped' || end_reason === 'timeout';
  if (!wasCut && commands_alive === 0) return null;
  const held = model ? heldIn(model) : [];
  const named = held.slice(0, NAMED);
  return (
    <div className={styles.ended} data-over={commands_alive === 0 || undefined}>
      {commands_alive > 0 && (
        <>
          <b>{text('ended.alive', { count: commands_alive })}</b>
          {named.length > 0 && <span>{text('ended.held')}</span>}
          {named.map((index) => (
            <Link key={index} href={to.task(task.id, { node: model?.nodes[index] })}>
              <code>{model?.ips[index]}</code>
            </Link>
          ))}
          {commands_alive > named.length && named.length > 0 && (
            <span>{text('more', { count: formatNumber(commands_alive - named.length) })}</span>
          )}
        </>
      )}
      <span role="status">
        {commands_alive === 0 && (
          <>
            <StateShape state="success" /> {text('ended.nothing')}
          </>
        )}
      </span>
    </div>
  );
}

/** Runs whose command may still be alive. */
function heldIn({ marks }: GridModel): number[] {
  const held: number[] = [];
  marks.forEach((mark, index) => {
    if ((mark & MARK.draining) !== 0) held.push(index);
  });
  return held;
}
