import type { UnownedMachine } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import type { KeyOf } from '../../text/words.js';
import styles from './machines.module.css';
import { machineWords } from './words.js';

type MakerRow = NonNullable<UnownedMachine['maker']>;

/** The words for the state of a run. */
const STATES: Readonly<Record<number, KeyOf<typeof machineWords>>> = {
  0: 'run.0',
  1: 'run.1',
  2: 'run.2',
  3: 'run.3',
  4: 'run.4',
};

/** The task and the node run that asked for a machine, and how that run stands. */
export function Maker({ maker }: { maker: MakerRow }): ReactNode {
  const text = useWords(machineWords);
  const { task_id, task_name, pool_id, pool_name, run_id, node_id, state } = maker;
  return (
    <>
      <Link href={to.task(task_id)}>
        #{task_id} {task_name}
      </Link>{' '}
      <Link href={to.task(task_id, { node: node_id })}>
        {text('run')} {run_id}
      </Link>{' '}
      <span className={styles.quiet}>{text('run.state', { state: text(STATES[state] ?? 'run.0') })} · </span>
      <Link href={to.pool(pool_id)}>{pool_name}</Link>
    </>
  );
}
