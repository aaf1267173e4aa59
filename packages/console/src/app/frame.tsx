import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Button } from 'react-aria-components';
import { Link, useLocation } from 'wouter';
import { useIntl, useWords } from '../text/intl.js';
import { patterns, to } from './addresses.js';
import styles from './frame.module.css';
import { useFrameKeys } from './keys.js';
import { LiveDot } from './live-dot.js';
import { OperatorMenu } from './operator-menu.js';
import { RAIL } from './rail.js';
import { Search } from './search/search.js';
import { useSettings } from './settings.js';
import { Verified } from './verified.js';

/** What stands around every page: bar, rail, and the one column of content. */
export function Frame({ children }: { children: ReactNode }): ReactNode {
  const text = useWords();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const content = useId();
  useApplied();
  useFrameKeys();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the page changes.
  useEffect(() => setOpen(false), [location]);
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href={`#${content}`} onClick={(event) => focus(event, content)}>
        {text('frame.skip')}
      </a>
      <header className={styles.bar}>
        <Button
          className={styles.menu ?? ''}
          aria-expanded={open}
          aria-label={text('frame.menu')}
          onPress={() => setOpen(!open)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 4h12M2 8h12M2 12h12" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        </Button>
        <Link href={to.overview()} className={styles.brand ?? ''}>
          Rigel
        </Link>
        <Search />
        <span className={styles.space} />
        <LiveDot />
        <OperatorMenu />
      </header>
      <nav className={styles.rail} aria-label={text('frame.pages')} data-open={open || undefined}>
        {RAIL.map(({ name, key }) => (
          <Link
            key={name}
            href={patterns[name]}
            aria-current={isWithin(location, patterns[name]) ? 'page' : undefined}
          >
            {text(key)}
          </Link>
        ))}
        <Verified />
      </nav>
      <main id={content} className={styles.content} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function isWithin(location: string, address: string): boolean {
  return location === address || (address !== '/' && location.startsWith(`${address}/`));
}

/** Moves the focus without touching the address, which says what the page shows. */
function focus(event: { preventDefault(): void }, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.focus();
}

/**
 * Takes the focus along to a page that has been opened: Tab then goes on in its content, and not through the pages' links again.
 * A page that has put the focus into one of its fields keeps it there. It stands beside the pages, so that it acts when the page is
 * there.
 */
export function FocusOnNewPage(): ReactNode {
  const [location] = useLocation();
  const before = useRef(location);
  useEffect(() => {
    if (before.current === location) return;
    before.current = location;
    const main = document.querySelector('main');
    if (!main?.contains(document.activeElement)) main?.focus({ preventScroll: true });
  }, [location]);
  return null;
}

/** Puts the settings in force on the document, where style sheets and screen readers look for them. */
function useApplied(): void {
  const { theme, density } = useSettings();
  const { locale } = useIntl();
  useEffect(() => {
    const { dataset } = document.documentElement;
    dataset.theme = theme;
    dataset.density = density;
    document.documentElement.lang = locale;
  }, [theme, density, locale]);
}
