import type { ReactNode } from 'react';
import { type StateName, StateShape } from '../../ui/state.js';
import styles from './system-page.module.css';

interface TableProps {
  title: string;
  columns: readonly string[];
  empty: string;
  /** False: what stands above it is its heading. */
  isNamed?: boolean;
  children: readonly ReactNode[];
}

/** A table of the system page, with its heading; wider than a phone it is scrolled by itself. */
export function Table({ title, columns, empty, isNamed = true, children }: TableProps): ReactNode {
  return (
    <section>
      {isNamed && <h2>{title}</h2>}
      {children.length === 0 ? (
        <p className={styles.quiet}>{empty}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than a phone is scrolled by keys.
        <div className={styles.scroll} tabIndex={0} role="region" aria-label={title}>
          <table className={styles.table}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** How something stands, by shape, colour and words. */
export function Is({ look, children }: { look: StateName; children: ReactNode }): ReactNode {
  return (
    <span className={styles.is} data-state={look}>
      <StateShape state={look} />
      {children}
    </span>
  );
}
