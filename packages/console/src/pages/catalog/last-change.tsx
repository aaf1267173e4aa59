import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import { ManagedMark } from '../../ui/managed-by.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './catalog.module.css';
import type { Versioned } from './draft.js';
import { catalogWords } from './words.js';

/** The version of a thing, and who made it when. */
export function LastChange({ thing, isChanged }: { thing: Versioned; isChanged: boolean }): ReactNode {
  const text = useWords(catalogWords);
  const { version, updated_by, updated_at, managed_by } = thing;
  return (
    <p className={styles.meta}>
      {version !== undefined && <span>{text('version', { version })}</span>}
      {updated_by !== undefined && <span>{updated_by}</span>}
      {updated_at !== undefined && <TimeText at={updated_at} />}
      <ManagedMark set={managed_by} />
      {isChanged && <b>{text('unsaved')}</b>}
    </p>
  );
}
