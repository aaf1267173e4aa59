import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useIntl, useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Check, TextInput } from '../../../ui/field.js';
import { reasonOf } from '../../../ui/region.js';
import { type AttemptPlace, type Found, searchOutput } from './output-reader.js';
import styles from './run.module.css';
import { runWords } from './words.js';

/** After the last key, in milliseconds. */
const PAUSE_MS = 300;

/** Looks for lines in all stored output of an attempt, on the server; the hits are gone through one by one. */
export function OutputFind({
  of,
  onGo,
}: {
  of: AttemptPlace;
  /** @param index of the hit to show; of no search undefined. */
  onGo: (found: Found | undefined, index: number) => void;
}): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const [q, setQ] = useState('');
  const [regex, setRegex] = useState(false);
  const [found, setFound] = useState<Found>();
  const [index, setIndex] = useState(0);
  const [error, setError] = useState<string>();
  const go = useRef(onGo);
  go.current = onGo;
  const { nsid, step, attempt } = of;
  useEffect(() => {
    setError(undefined);
    if (q === '') {
      setFound(undefined);
      go.current(undefined, 0);
      return;
    }
    const work = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await searchAll({ nsid, step, attempt }, { q, regex }, work.signal);
        if (work.signal.aborted) return;
        setFound(answer);
        // The last one is the nearest to the end, where people begin to read.
        const last = Math.max(0, answer.hits.length - 1);
        setIndex(last);
        go.current(answer, last);
      } catch (failure) {
        if (!work.signal.aborted) setError(reasonOf(failure as Error));
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      work.abort();
    };
  }, [q, regex, nsid, step, attempt]);
  const move = (by: number): void => {
    const count = found?.hits.length ?? 0;
    if (!found || count === 0) return;
    const next = (index + by + count) % count;
    setIndex(next);
    onGo(found, next);
  };
  return (
    <form
      className={styles.find}
      onSubmit={(event) => {
        event.preventDefault();
        move(-1);
      }}
    >
      <TextInput label={text('find.label')} value={q} onChange={setQ} type="search" isCode error={error} />
      <Check isSelected={regex} onChange={setRegex}>
        {text('find.regex')}
      </Check>
      {found && (
        <>
          <span role="status" className={styles.count}>
            {found.matches === 0
              ? text('find.none')
              : text('find.count', { index: formatNumber(index + 1), count: found.matches })}
          </span>
          <Button kind="quiet" onPress={() => move(-1)} label={text('find.previous')}>
            ↑
          </Button>
          <Button kind="quiet" onPress={() => move(1)} label={text('find.next')}>
            ↓
          </Button>
        </>
      )}
    </form>
  );
}

/** Asks until all of the output was looked through. */
async function searchAll(
  of: AttemptPlace,
  wanted: { q: string; regex: boolean },
  signal: AbortSignal,
): Promise<Found> {
  let whole: Found | undefined;
  for (let from: number | null = 0; from !== null; ) {
    const part: Found = await searchOutput(of, { ...wanted, from }, signal);
    whole = whole
      ? {
          ...part,
          hits: [...whole.hits, ...part.hits],
          matches: whole.matches + part.matches,
          searched: whole.searched + part.searched,
          map: whole.map.map((count, place) => count + (part.map[place] ?? 0)),
        }
      : part;
    from = part.next;
  }
  return whole as Found;
}
