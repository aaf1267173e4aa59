import { type ReactNode, useEffect } from 'react';
import { visible } from '../text/visible.js';
import styles from './heading.module.css';

/** A page's heading, which is also the title of its tab. */
export function Heading({ title, children }: { title: string; children?: ReactNode }): ReactNode {
  useEffect(() => {
    document.title = `${visible(title)} – Rigel`;
  }, [title]);
  return (
    <header className={styles.heading}>
      <h1>{title}</h1>
      {children}
    </header>
  );
}
