import { type ReactNode, useId, useState } from 'react';
import { Button } from 'react-aria-components';
import styles from './plan.module.css';

interface DisclosureProps {
  /** What is opened: "which", "Script of start". */
  title: string;
  /** The sentence that it belongs to, on the same line before it. */
  children?: ReactNode;
  /** Behind the title, and no part of the button. */
  after?: ReactNode;
  details: () => ReactNode;
}

/** Details that are made only when they are opened: counts first, rows on demand. */
export function Disclosure({ title, children, after, details }: DisclosureProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const sentence = useId();
  return (
    <div className={styles.disclosure}>
      <p className={styles.line}>
        {children && <span id={sentence}>{children}</span>}
        <Button
          className={styles.open ?? ''}
          aria-expanded={isOpen}
          {...(children ? { 'aria-describedby': sentence } : {})}
          onPress={() => setOpen(!isOpen)}
        >
          <svg viewBox="0 0 8 8" aria-hidden="true">
            <path d="M2 1l4 3-4 3z" />
          </svg>
          {title}
        </Button>
        {after}
      </p>
      {isOpen && details()}
    </div>
  );
}
