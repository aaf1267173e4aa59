import { type ReactNode, useState } from 'react';
import { useIntl, useWords } from '../text/intl.js';
import styles from './live-count.module.css';

/** A number of a dialog that follows what happens; when it is another one than at the opening, it says so. */
export function LiveCount({ value }: { value: number }): ReactNode {
  const text = useWords();
  const { formatNumber } = useIntl();
  const [first] = useState(value);
  if (value === first) return <b>{formatNumber(value)}</b>;
  return (
    <span className={styles.changed}>
      <b>{formatNumber(value)}</b> <small>{text('count.was', { count: formatNumber(first) })}</small>
    </span>
  );
}
