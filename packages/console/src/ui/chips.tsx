import type { ReactNode } from 'react';
import { useWords } from '../text/intl.js';
import { Button } from './button.js';
import styles from './chips.module.css';

export interface Chip {
  /** The filter's name: "state". */
  name: string;
  /** Its value in words: "failed". */
  value: string;
  onRemove: () => void;
}

/** The filters in force, each with a button that takes it away. */
export function FilterChips({ chips, onClear }: { chips: readonly Chip[]; onClear: () => void }): ReactNode {
  const text = useWords();
  if (chips.length === 0) return null;
  return (
    <div className={styles.bar}>
      <ul className={styles.chips} aria-label={text('filter.inForce')}>
        {chips.map(({ name, value, onRemove }) => (
          <li key={`${name} ${value}`} className={styles.chip}>
            <span>
              {name}: <b>{value}</b>
            </span>
            <Button
              kind="quiet"
              onPress={onRemove}
              label={text('filter.remove', { filter: `${name}: ${value}` })}
            >
              ✕
            </Button>
          </li>
        ))}
      </ul>
      <Button kind="quiet" onPress={onClear}>
        {text('filter.clear')}
      </Button>
    </div>
  );
}
