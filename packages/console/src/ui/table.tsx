import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useSettings } from '../app/settings.js';
import { useWords } from '../text/intl.js';
import { Check } from './field.js';
import styles from './table.module.css';

export interface Column<Row> {
  name: string;
  title: string;
  /** Width as of CSS grid: `110px`, `minmax(120px, 2fr)`. */
  width: string;
  cell: (row: Row) => ReactNode;
  align?: 'start' | 'end';
  /** On a narrow screen: in the row's first or second line, or left out. Default: second. */
  narrow?: 'first' | 'second' | 'hidden';
}

interface VirtualTableProps<Row> {
  /** What the rows are: "Tasks". */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
  /** Opens a row: by a press, or by Enter. */
  onOpen?: (row: Row) => void;
  /** The row that is open beside the table. */
  opened?: string | number | undefined;
  selected?: ReadonlySet<string | number>;
  onSelect?: (row: Row, isSelected: boolean) => void;
  /** Called when the last rows come into sight, to read further ones. */
  onEnd?: () => void;
  /**
   * The last row is the newest: the end is in sight at first, and stays there while rows are added, until a person scrolls away from
   * it. Rows that are put before the first one move nothing that is in sight.
   */
  newestLast?: boolean;
  /** Called when the first rows come into sight, to read earlier ones. */
  onStart?: () => void;
  /** How many rows there are in all, if more than those that are here. */
  total?: number | undefined;
}

/** What Tab stops at within a row. */
const CONTROLS = 'a, button, input, summary, [tabindex]';

const NARROW = '(max-width: 899px)';
/** Height of a row of one line and of two, in pixels, by density. */
const HEIGHT = { dense: { wide: 28, narrow: 52 }, comfortable: { wide: 40, narrow: 60 } } as const;

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const query = matchMedia(NARROW);
    const onChange = (): void => setNarrow(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isNarrow;
}

/**
 * A table of any length, of which only the rows in sight are drawn. It fills the height that its place gives it. One row has
 * the focus: arrows, j and k, Home and End move it, Enter opens it, x selects it.
 */
export function VirtualTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  onOpen,
  opened,
  selected,
  onSelect,
  onEnd,
  onStart,
  newestLast = false,
  total = rows.length,
}: VirtualTableProps<Row>): ReactNode {
  const text = useWords();
  const { density, letterKeys } = useSettings();
  const isNarrow = useNarrow();
  const scroller = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState(0);
  const current = Math.min(focused, Math.max(0, rows.length - 1));
  const height = HEIGHT[density][isNarrow ? 'narrow' : 'wide'];
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    getItemKey: (index) => keyOf(rows[index] as Row),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights are measured again when they change.
  useEffect(() => virtual.measure(), [height]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 1) onEnd?.();
  }, [last, rows.length, onEnd]);

  // Where the table was before its rows changed.
  const before = useRef<{ key: string | number; isAtEnd: boolean }>(undefined);
  useLayoutEffect(() => {
    const view = scroller.current;
    const key = rows[0] === undefined ? undefined : keyOf(rows[0]);
    if (!newestLast || !view || key === undefined) {
      before.current = undefined;
      return;
    }
    const was = before.current;
    if (was === undefined || (was.isAtEnd && was.key === key))
      // The room has the height of all rows by now; the rows in sight are drawn next.
      view.scrollTop = view.scrollHeight;
    else if (was.key !== key) {
      const added = rows.findIndex((row) => keyOf(row) === was.key);
      if (added > 0) {
        view.scrollTop += added * height;
        setFocused((index) => index + added);
      }
    }
    before.current = { key, isAtEnd: was?.isAtEnd ?? true };
  }, [rows, newestLast, keyOf, height]);
  const onScroll = (): void => {
    const view = scroller.current;
    if (!view || !before.current) return;
    before.current.isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < height;
    if (view.scrollTop < 20 * height) onStart?.();
  };

  // Tab goes to what is in the row with the focus, and then past the table: rows are gone through by their own keys.
  const leftOut = useRef(new WeakMap<HTMLElement, string | null>());
  useLayoutEffect(() => {
    for (const row of scroller.current?.querySelectorAll<HTMLElement>('[data-index]') ?? []) {
      const isCurrent = row.dataset.index === String(current);
      for (const control of row.querySelectorAll<HTMLElement>(CONTROLS)) {
        const before = leftOut.current.get(control);
        if (!isCurrent && before === undefined) {
          leftOut.current.set(control, control.getAttribute('tabindex'));
          control.tabIndex = -1;
        } else if (isCurrent && before !== undefined) {
          leftOut.current.delete(control);
          if (before === null) control.removeAttribute('tabindex');
          else control.setAttribute('tabindex', before);
        }
      }
    }
  });

  const moveTo = (index: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setFocused(next);
    virtual.scrollToIndex(next);
    // The row may be drawn only after the scroll.
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        scroller.current
          ?.querySelector<HTMLElement>(`[data-index="${next}"]`)
          ?.focus({ preventScroll: true }),
      ),
    );
  };
  const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1);
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    // Links and boxes within a row have keys of their own.
    if (event.ctrlKey || event.metaKey || event.altKey || target.dataset.index === undefined) return;
    const row = rows[current];
    const moves: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: rows.length - 1,
      ...(letterKeys ? { j: current + 1, k: current - 1 } : {}),
    };
    const move = moves[event.key];
    if (move !== undefined) moveTo(move);
    else if (event.key === 'Enter' && row !== undefined && onOpen) onOpen(row);
    else if (event.key === 'x' && letterKeys && row !== undefined && onSelect)
      onSelect(row, !selected?.has(keyOf(row)));
    else return;
    event.preventDefault();
  };

  const box = (row: Row, isSelected: boolean, onChange: NonNullable<typeof onSelect>): ReactNode => (
    <span role="gridcell" className={styles.box}>
      <Check isSelected={isSelected} onChange={(is) => onChange(row, is)}>
        <span className="only-read-aloud">{text('table.select')}</span>
      </Check>
    </span>
  );
  const template = `${onSelect ? '24px ' : ''}${columns.map(({ width }) => width).join(' ')}`;
  return (
    <div
      className={styles.table}
      role="grid"
      aria-label={label}
      aria-rowcount={total + 1}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" className={styles.head}>
        <div role="row" aria-rowindex={1} className={styles.titles} style={{ gridTemplateColumns: template }}>
          {onSelect && (
            <span role="columnheader">
              <span className="only-read-aloud">{text('table.selected')}</span>
            </span>
          )}
          {columns.map(({ name, title, align }) => (
            <span key={name} role="columnheader" data-align={align}>
              {title}
            </span>
          ))}
        </div>
      </div>
      <div ref={scroller} role="rowgroup" className={styles.scroller} {...(newestLast ? { onScroll } : {})}>
        <div role="presentation" style={{ blockSize: `${virtual.getTotalSize()}px` }} className={styles.room}>
          {items.map(({ index, key, start }) => {
            const row = rows[index] as Row;
            const isSelected = selected?.has(keyOf(row)) ?? false;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled for the whole table.
              <div
                key={key}
                role="row"
                data-index={index}
                data-opened={opened !== undefined && keyOf(row) === opened ? true : undefined}
                aria-rowindex={index + 2}
                aria-selected={onSelect ? isSelected : undefined}
                tabIndex={index === current ? 0 : -1}
                className={styles.row}
                style={{
                  transform: `translateY(${start}px)`,
                  blockSize: `${height}px`,
                  ...(isNarrow ? {} : { gridTemplateColumns: template }),
                }}
                onFocus={() => setFocused(index)}
                onClick={(event) => {
                  // A press on a link, a box or a button in the row is for these.
                  if (!(event.target as HTMLElement).closest('a, button, label, input')) onOpen?.(row);
                }}
              >
                {isNarrow ? (
                  <>
                    <Line>
                      {onSelect && box(row, isSelected, onSelect)}
                      {columns
                        .filter(({ narrow }) => narrow === 'first')
                        .map((column) => cellOf(column, row))}
                    </Line>
                    <Line isSecond>{columns.filter(isOfSecond).map((column) => cellOf(column, row))}</Line>
                  </>
                ) : (
                  <>
                    {onSelect && box(row, isSelected, onSelect)}
                    {columns.map((column) => cellOf(column, row))}
                  </>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

const isOfSecond = ({ narrow = 'second' }: Pick<Column<never>, 'narrow'>): boolean => narrow === 'second';

function cellOf<Row>({ name, align, cell }: Column<Row>, row: Row): ReactNode {
  return (
    <span key={name} role="gridcell" data-align={align}>
      {cell(row)}
    </span>
  );
}

/** One of the two lines of a row on a narrow screen. What does not fit in is cut, and never goes over the next row. */
function Line({ isSecond = false, children }: { isSecond?: boolean; children: ReactNode }): ReactNode {
  return (
    <span role="presentation" className={`${styles.line} ${isSecond ? styles.second : ''}`}>
      {children}
    </span>
  );
}
