import { type ReactNode, useState } from 'react';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { type StateName, StateShape } from '../../ui/state.js';
import styles from './machines.module.css';
import { machineWords } from './words.js';

/** Rows that are shown at first, and with each press. */
const STEP = 40;

interface ListedProps<Row> {
  title: string;
  /** What a person can do about these. */
  todo: string;
  none: string;
  look: StateName;
  rows: readonly Row[];
  /** How many there are, also those that are not in `rows`. */
  all: number;
  children: (row: Row) => ReactNode;
}

/** A list with its number, what to do about it, and its rows, a few at a time. */
export function Listed<Row>({ title, todo, none, look, rows, all, children }: ListedProps<Row>): ReactNode {
  const text = useWords(machineWords);
  const { formatNumber } = useIntl();
  const [most, setMost] = useState(STEP);
  const shown = rows.slice(0, most);
  return (
    <section className={styles.list} data-state={all === 0 ? 'success' : look}>
      <h2 className={styles.title}>
        <StateShape state={all === 0 ? 'success' : look} />
        {title} {all > 0 && <span className={styles.count}>{formatNumber(all)}</span>}
      </h2>
      <p className={styles.quiet}>{all === 0 ? none : todo}</p>
      {shown.length > 0 && <ul className={styles.rows}>{shown.map(children)}</ul>}
      {rows.length > shown.length && (
        <Button onPress={() => setMost(most + STEP)}>
          {text('more', { count: Math.min(STEP, rows.length - shown.length) })}
        </Button>
      )}
      {all > rows.length && <p className={styles.quiet}>{text('beyond', { count: all - rows.length })}</p>}
    </section>
  );
}
