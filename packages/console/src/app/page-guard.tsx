import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useWords } from '../text/intl.js';
import { Button } from '../ui/button.js';
import { Crash, CrashGuard } from './crash.js';
import styles from './crash.module.css';
import { crashWords } from './crash-words.js';
import { loadAgain, NotLoaded } from './later.js';
import { consoleRoot } from './place.js';

/** Keeps a page that fails, or cannot be loaded, from taking the frame with it. Another address is another try. */
export function PageGuard({ children }: { children: ReactNode }): ReactNode {
  const [location] = useLocation();
  const [tries, setTries] = useState(0);
  const again = (): void => {
    loadAgain();
    setTries(tries + 1);
  };
  return (
    <CrashGuard
      until={`${tries} ${location}`}
      instead={(error, report) =>
        error instanceof NotLoaded ? <Missing again={again} /> : <Crash report={report} />
      }
    >
      {children}
    </CrashGuard>
  );
}

/** A gateway that is away is asked again after so long. */
const ASK_AGAIN_MS = 3_000;

type Cause = 'unknown' | 'away' | 'replaced' | 'other';

/** What stands where a page could not be loaded: why, and how to go on. */
function Missing({ again }: { again: () => void }): ReactNode {
  const text = useWords(crashWords);
  const [cause, setCause] = useState<Cause>('unknown');
  const latest = useRef(again);
  latest.current = again;
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (before: Cause): Promise<void> => {
      const found = await findCause();
      if (isOver) return;
      if (before === 'away' && found === 'other') latest.current();
      else setCause(found);
      if (found === 'away') timer = setTimeout(() => void ask(found), ASK_AGAIN_MS);
    };
    void ask('unknown');
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  const isReplaced = cause === 'replaced';
  return (
    <div className={styles.crash} role="alert">
      <h1>{text(isReplaced ? 'replaced' : 'notLoaded')}</h1>
      <p>{text(`notLoaded.${cause}`)}</p>
      <div className={styles.ways}>
        {isReplaced && (
          <Button kind="primary" onPress={() => location.reload()}>
            {text('reload')}
          </Button>
        )}
        <Button onPress={again}>{text('again')}</Button>
      </div>
    </div>
  );
}

/** Asks the gateway for the console's page: after an update it names other files than those that run here. */
async function findCause(): Promise<Cause> {
  const answer = await fetch(consoleRoot, { cache: 'no-store', headers: { Accept: 'text/html' } }).catch(
    () => undefined,
  );
  if (answer === undefined || answer.status >= 500) return 'away';
  const running = document.querySelector('script[type=module]')?.getAttribute('src')?.split('/').at(-1);
  const page = await answer.text().catch(() => '');
  return running !== undefined && answer.ok && !page.includes(running) ? 'replaced' : 'other';
}
