import { type ReactNode, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { isTaken } from '../app/keys.js';
import { useWords } from '../text/intl.js';
import { Button } from './button.js';
import styles from './panel.module.css';

interface SidePanelProps {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** Beside the button that closes it. */
  tools?: ReactNode;
  /** It takes the whole width of the page. */
  isWide?: boolean;
}

/** What belongs to the chosen thing, beside the page; on a narrow screen in its place. Escape closes it. */
export function SidePanel({ title, onClose, children, tools, isWide = false }: SidePanelProps): ReactNode {
  const text = useWords();
  const heading = useId();
  const panel = useRef<HTMLElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      // A dialog, a menu or a field that is open takes the key first.
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      if (panel.current?.contains(document.activeElement) || !isTaken(event)) close.current();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  // The focus goes back to where the panel was opened, if it goes away with the panel.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const place = panel.current;
    return () => {
      if (!place?.contains(document.activeElement) || !(opener instanceof HTMLElement)) return;
      queueMicrotask(() => opener.isConnected && opener.focus({ preventScroll: true }));
    };
  }, []);
  return (
    <aside ref={panel} className={styles.panel} aria-labelledby={heading} data-wide={isWide || undefined}>
      <header className={styles.header}>
        <h2 id={heading}>{title}</h2>
        {tools}
        <Button kind="quiet" onPress={onClose} label={text('panel.close')}>
          ✕
        </Button>
      </header>
      <div className={styles.body}>{children}</div>
    </aside>
  );
}

/** The page's column, and beside it the panel when there is one. */
export function WithPanel({ children, panel }: { children: ReactNode; panel: ReactNode }): ReactNode {
  return (
    <div className={styles.columns}>
      <div className={styles.main}>{children}</div>
      {panel}
    </div>
  );
}
