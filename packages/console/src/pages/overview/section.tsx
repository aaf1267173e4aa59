import type { ReactNode } from 'react';
import styles from './overview-page.module.css';

/** A part of the page with its heading, what stands beside it, and its content. */
export function Section({
  title,
  beside,
  children,
}: {
  title: string;
  beside?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <section className={styles.section}>
      <header>
        <h2>{title}</h2>
        {beside}
      </header>
      {children}
    </section>
  );
}
