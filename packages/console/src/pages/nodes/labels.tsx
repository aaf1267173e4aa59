import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import styles from './labels.module.css';
import { nodeWords } from './words.js';

export type Labels = Readonly<Record<string, string>>;

/** `zone=b`; a label without a value is its key alone. */
export const labelText = (key: string, value: string): string => (value === '' ? key : `${key}=${value}`);

/** Labels in the order of their keys: the API gives them in an order of its own. */
function inOrder(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The selector of nodes that have exactly this label. */
export const selectorOf = (key: string, value: string): string => `${key}=${value}`;

/** Labels in a row of a table: what does not fit in is cut, and stands in the title. */
export function LabelCells({ labels = {} }: { labels?: Labels | undefined }): ReactNode {
  const texts = inOrder(labels).map(([key, value]) => labelText(key, value));
  return (
    <span className={styles.cells} title={texts.join('\n')}>
      {texts.map((text) => (
        <code key={text} className={styles.label}>
          {text}
        </code>
      ))}
    </span>
  );
}

/** All labels, each with a link to the nodes that have it. */
export function LabelLinks({ labels = {} }: { labels?: Labels | undefined }): ReactNode {
  const text = useWords(nodeWords);
  const all = inOrder(labels);
  if (all.length === 0) return <span className={styles.none}>{text('labels.none')}</span>;
  return (
    <ul className={styles.links} aria-label={text('column.labels')}>
      {all.map(([key, value]) => (
        <li key={key}>
          <Link
            className={styles.label}
            href={`${to.nodes()}?${new URLSearchParams({ labels: selectorOf(key, value) })}`}
          >
            {labelText(key, value)}
          </Link>
        </li>
      ))}
    </ul>
  );
}
