import type { ReactNode } from 'react';
import { common } from '../text/common.js';
import { useWords } from '../text/intl.js';
import styles from './managed-by.module.css';

/** Marks a thing that is written in files. */
export function ManagedMark({ set }: { set: string | undefined }): ReactNode {
  const text = useWords(common);
  return set ? <span className={styles.mark}>{text('files.mark', { set })}</span> : null;
}

/** Says before a save that the files take back what differs from them. */
export function ManagedNote({ set }: { set: string | undefined }): ReactNode {
  const text = useWords(common);
  return set ? <p className={styles.note}>{text('files.what', { set })}</p> : null;
}
