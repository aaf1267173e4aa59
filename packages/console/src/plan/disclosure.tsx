import { type ReactNode, useState } from 'react';
import styles from './plan.module.css';

/** Details that are made only when they are opened: rows on demand. */
export function Disclosure({ title, children }: { title: ReactNode; children: () => ReactNode }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles.disclosure} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen && children()}
    </details>
  );
}
