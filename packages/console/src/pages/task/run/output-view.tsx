import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { live } from '../../../api/live/live.js';
import { apiRoot } from '../../../app/place.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useSettings } from '../../../app/settings.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { partsOf } from '../../../text/time.js';
import { Button } from '../../../ui/button.js';
import { CopyButton } from '../../../ui/copy.js';
import { Check } from '../../../ui/field.js';
import { reasonOf } from '../../../ui/region.js';
import { spansOf } from './ansi.js';
import { OutputFind } from './output-find.js';
import { OutputLines, type OutputRow } from './output-lines.js';
import { type AttemptPlace, type Found, placeOfLine, READ_BYTES, readOutput } from './output-reader.js';
import styles from './run.module.css';
import { runWords } from './words.js';

/** How often new output is looked for, in milliseconds. */
const FOLLOW_MS = 1_000;
const ROW = 20;
/** So near to the end the view counts as at the end. */
const NEAR_END = 30;

/**
 * What an attempt printed: lines on demand from the end, following while it runs, with search over all of it. Only the
 * lines in sight are drawn. Leaving it ends its requests.
 */
export function OutputView({ of, name }: { of: AttemptPlace; name: string }): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const { lines, rows, error, isLoading, load } = useOutput(of);
  const [wrap, setWrap] = useState(false);
  const [times, setTimes] = useState(false);
  const [follows, setFollows] = useState(true);
  const [seen, setSeen] = useState(0);
  const [hit, setHit] = useState<{ found: Found; index: number }>();
  const [lineParam, setLine] = useQueryParam('line');
  const [target, setTarget] = useState<{ at?: number; line?: number }>();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
    getItemKey: (index) => rows[index]?.at ?? index,
  });
  const items = virtual.getVirtualItems();
  const chosenLine = /^[1-9]\d{0,11}$/.test(lineParam) ? Number(lineParam) : undefined;

  // The end stays in sight while it is followed; new lines behind it are counted else.
  useEffect(() => {
    if (rows.length === 0 || target) return;
    if (follows) {
      virtual.scrollToIndex(rows.length - 1, { align: 'end' });
      setSeen(lines.lines);
    }
  }, [rows, follows, target, virtual, lines]);

  // A line of the address is shown first of all.
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current || chosenLine === undefined || rows.length === 0) return;
    begun.current = true;
    setFollows(false);
    setTarget({ line: chosenLine });
  }, [chosenLine, rows.length]);

  // What is to be shown is loaded, if it is not there yet, and then scrolled to.
  useEffect(() => {
    if (!target) return;
    const row = lines.isEmpty ? -1 : lines.rowOf(target);
    const isHere = target.at === undefined ? row >= 0 : target.at >= lines.from && target.at < lines.to;
    if (isHere && row >= 0) {
      virtual.scrollToIndex(row, { align: 'center' });
      setTarget(undefined);
    } else if (!isLoading) {
      const place = target;
      void load(async (signal) => {
        const at = place.at ?? (await placeOfLine(of, place.line ?? 1, lines.bytes, signal));
        return Math.max(0, at - READ_BYTES / 4);
      }).then((loaded) => {
        if (loaded && lines.rowOf(place) < 0) setTarget(undefined);
      });
    }
  }, [target, lines, load, isLoading, of, virtual]);

  const onScroll = (): void => {
    const view = scroller.current;
    if (!view) return;
    const atEnd = view.scrollHeight - view.scrollTop - view.clientHeight < NEAR_END;
    if (atEnd !== follows && !target) setFollows(atEnd);
    if (view.scrollTop < ROW * 20 && lines.from > 0)
      void load(async () => Math.max(0, lines.from - READ_BYTES), 'before');
    if (atEnd && lines.to < lines.bytes) void load(async () => lines.to);
  };
  const toEnd = (): void => {
    setFollows(true);
    if (lines.to < lines.bytes) void load(async () => -READ_BYTES);
  };
  const goTo = useCallback((found: Found | undefined, index: number) => {
    setHit(found && { found, index });
    const at = found?.hits[index]?.at;
    if (at === undefined) return;
    setFollows(false);
    setTarget({ at });
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') {
      event.preventDefault();
      event.currentTarget.querySelector<HTMLInputElement>('input[type=search]')?.focus();
    }
    if (event.key === 'End' && event.target === scroller.current) toEnd();
  };

  const raw = new URL(`task/node/${of.nsid}/output/raw?step=${of.step}&attempt=${of.attempt}`, apiRoot).href;
  const fresh = Math.max(0, lines.lines - seen);
  const current = hit?.found.hits[hit.index];
  return (
    <section className={styles.output} aria-label={text('output.of', { name })} onKeyDown={onKeyDown}>
      <div className={styles.outputBar}>
        <h3>{text('output.title')}</h3>
        <span className={styles.quiet}>
          {text('output.size', { lines: lines.lines, bytes: formatNumber(lines.bytes) })}
          {lines.dropped > 0 && ` · ${text('output.dropped', { bytes: formatNumber(lines.dropped) })}`}
        </span>
        <Check isSelected={wrap} onChange={setWrap}>
          {text('output.wrap')}
        </Check>
        <Check isSelected={times} onChange={setTimes}>
          {text('output.times')}
        </Check>
        <CopyButton text={() => textOf(rows)}>{text('output.copy')}</CopyButton>
        <a href={raw} download>
          {text('output.raw')}
        </a>
      </div>
      <OutputFind of={of} onGo={goTo} />
      {error && <p role="alert">{text('output.failed', { reason: reasonOf(error) })}</p>}
      <div className={styles.outputFrame}>
        <div
          ref={scroller}
          className={styles.scroller}
          role="log"
          // What is printed may be too much to be read aloud.
          aria-live="off"
          aria-label={text('output.lines')}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keyboard
          tabIndex={0}
          onScroll={onScroll}
          data-wrap={wrap || undefined}
        >
          {rows.length === 0 && !isLoading && <p className={styles.nothing}>{text('output.nothing')}</p>}
          <div style={{ blockSize: virtual.getTotalSize(), position: 'relative' }}>
            <div style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
              {items.map(({ index, key }) => (
                <Row
                  key={key}
                  measure={virtual.measureElement}
                  index={index}
                  row={rows[index] as OutputRow}
                  withTime={times}
                  isChosen={rows[index]?.kind === 'line' && rows[index].line === chosenLine}
                  isHit={current !== undefined && rows[index]?.at === current.at}
                  onChoose={(line) => setLine(line === chosenLine ? '' : String(line))}
                />
              ))}
            </div>
          </div>
        </div>
        {hit && <HitMap map={hit.found.map} />}
      </div>
      {!follows && (fresh > 0 || lines.open) && (
        <p className={styles.fresh}>
          <Button onPress={toEnd}>
            {fresh > 0 ? text('output.new', { count: fresh }) : text('output.follow')}
          </Button>
        </p>
      )}
      <p className="only-read-aloud" role="status">
        {current ? text('output.at', { line: current.line, text: current.text.slice(0, 200) }) : ''}
      </p>
    </section>
  );
}

/** Where the matching lines are, beside the lines. */
function HitMap({ map }: { map: readonly number[] }): ReactNode {
  return (
    <svg className={styles.map} viewBox="0 0 6 100" preserveAspectRatio="none" aria-hidden="true">
      {map.map((count, place) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: a place of the map is its index.
        count > 0 ? <rect key={place} x="0" y={place} width="6" height="1" /> : null,
      )}
    </svg>
  );
}

interface RowProps {
  row: OutputRow;
  index: number;
  measure: (element: Element | null) => void;
  withTime: boolean;
  isChosen: boolean;
  isHit: boolean;
  onChoose: (line: number) => void;
}

function Row({ row, index, measure, withTime, isChosen, isHit, onChoose }: RowProps): ReactNode {
  const text = useWords(runWords);
  const { formatNumber, locale } = useIntl();
  const { zone } = useSettings();
  if (row.kind === 'gap') {
    return (
      <div ref={measure} data-index={index} className={styles.gap}>
        {text('output.gap', { bytes: formatNumber(row.bytes) })}
      </div>
    );
  }
  const time =
    row.storedAt === null
      ? undefined
      : partsOf(new Date(row.storedAt), locale, zone === 'utc' ? 'UTC' : undefined);
  return (
    <div
      ref={measure}
      data-index={index}
      className={styles.line}
      data-chosen={isChosen || undefined}
      data-hit={isHit || undefined}
    >
      {row.continues ? (
        <span className={styles.number} />
      ) : (
        <button
          type="button"
          className={styles.number}
          tabIndex={-1}
          data-number={row.line}
          aria-label={text('output.link', { line: row.line })}
          onClick={() => onChoose(row.line)}
        />
      )}
      {/* Drawn by the style sheet: what is copied is the text alone. */}
      {withTime && <span className={styles.time} data-time={time ? `${time.time} ${time.zone}` : ''} />}
      <code className={styles.text}>
        {spansOf(row.text, row.styles).map(
          ({ text, control, colour, ground, bold, italic, underline }, place) => (
            <span
              // biome-ignore lint/suspicious/noArrayIndexKey: the spans of a line do not move.
              key={place}
              data-colour={colour}
              data-ground={ground}
              data-control={control}
              data-bold={bold}
              data-italic={italic}
              data-underline={underline}
            >
              {text}
            </span>
          ),
        )}
      </code>
    </div>
  );
}

function textOf(rows: readonly OutputRow[]): string {
  let text = '';
  for (const row of rows) {
    if (row.kind === 'line') text += row.continues || text === '' ? row.text : `\n${row.text}`;
    else text += `\n[${row.bytes} bytes left out]`;
  }
  return text;
}

/** The loaded lines of an output; at first the last ones, and what is added while the attempt runs. */
function useOutput(of: AttemptPlace) {
  const { nsid, step, attempt } = of;
  const key = `${nsid}.${step}.${attempt}`;
  const kept = useRef<{ key: string; lines: OutputLines }>(undefined);
  if (kept.current?.key !== key) kept.current = { key, lines: new OutputLines() };
  const { lines } = kept.current;
  const [rows, setRows] = useState<readonly OutputRow[]>([]);
  const [error, setError] = useState<Error>();
  const [isLoading, setLoading] = useState(true);
  const busy = useRef<AbortController>(undefined);
  const load = useCallback(
    async (place: (signal: AbortSignal) => Promise<number>, side?: 'before'): Promise<boolean> => {
      if (busy.current) return false;
      const work = new AbortController();
      busy.current = work;
      setLoading(true);
      try {
        const from = await place(work.signal);
        const length = side === 'before' ? Math.max(1, lines.from - from) : READ_BYTES;
        const range = await readOutput({ nsid, step, attempt }, from, length, work.signal);
        if (work.signal.aborted) return false;
        const isNew = range.to !== lines.to || range.from < lines.from || lines.isEmpty;
        lines.take(range);
        if (isNew) setRows(lines.rows);
        setError(undefined);
        return true;
      } catch (failure) {
        if (!work.signal.aborted) setError(failure as Error);
        return false;
      } finally {
        if (busy.current === work) {
          busy.current = undefined;
          setLoading(false);
        }
      }
    },
    [lines, nsid, step, attempt],
  );
  useEffect(() => {
    let isOver = false;
    let hasMore = false;
    let unfollow: (() => void) | undefined;
    const readOn = async (): Promise<void> => {
      if (!lines.open || document.hidden) return;
      if (busy.current) {
        hasMore = true;
        return;
      }
      hasMore = false;
      await load(async () => (lines.isEmpty ? -READ_BYTES : lines.to));
      if (hasMore && !isOver) await readOn();
    };
    setRows([]);
    void load(async () => -READ_BYTES).then(() => {
      // The live stream only says that there is more: what it leaves out of a flood is in the API.
      if (!isOver && lines.open && !lines.isEmpty)
        unfollow = live.subscribe(`output:${nsid}@${step}.${attempt}.${lines.to}`, () => void readOn());
    });
    const timer = setInterval(() => void readOn(), FOLLOW_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
      unfollow?.();
      busy.current?.abort();
      busy.current = undefined;
    };
  }, [load, lines, nsid, step, attempt]);
  return { lines, rows, error, isLoading, load };
}
