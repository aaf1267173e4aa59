import type { ReactNode } from 'react';
import { type Role, useWho } from '../app/role.js';
import { useWords } from '../text/intl.js';
import styles from './region.module.css';

/** What only a role may read: without the role its place says so, and nothing is asked of the API. */
export function NeedsRole({ needed, children }: { needed: Role; children: ReactNode }): ReactNode {
  const text = useWords();
  const who = useWho();
  if (who.may(needed)) return children;
  return (
    <p className={styles.forbidden}>
      {text('region.forbidden', { role: text(`role.${needed}`), mine: text(`role.${who.role}`) })}
    </p>
  );
}
