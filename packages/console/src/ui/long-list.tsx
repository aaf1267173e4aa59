import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

/** Rows beyond those in sight: Tab always finds the next one, and a short list is there as a whole. */
const BEYOND = 24;

interface LongListProps<Row> {
  label: string;
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** Pixels of a usual row; each is measured when it is drawn. */
  height: number;
  row: (row: Row) => ReactNode;
}

/**
 * A list of rows of any height within a page that is scrolled, of which only those in sight are drawn. Unlike the table it takes no
 * keys: its rows are links and buttons.
 */
export function LongList<Row>({ label, rows, keyOf, height, row }: LongListProps<Row>): ReactNode {
  const list = useRef<HTMLDivElement>(null);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [margin, setMargin] = useState(0);
  // What stands above the list may grow: its place is looked up with every drawing.
  useLayoutEffect(() => {
    const view = list.current && scrollerOf(list.current);
    if (!list.current || !view) return;
    setScroller(view);
    const top = list.current.getBoundingClientRect().top - view.getBoundingClientRect().top + view.scrollTop;
    setMargin(Math.round(top));
  });
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: () => height,
    overscan: BEYOND,
    scrollMargin: margin,
    getItemKey: (index) => keyOf(rows[index] as Row),
  });
  return (
    <div
      ref={list}
      role="list"
      aria-label={label}
      style={{ position: 'relative', flex: 'none', blockSize: `${virtual.getTotalSize()}px` }}
    >
      {virtual.getVirtualItems().map(({ index, key, start }) => (
        <div
          key={key}
          ref={virtual.measureElement}
          role="listitem"
          data-index={index}
          aria-setsize={rows.length}
          aria-posinset={index + 1}
          style={{ position: 'absolute', insetInline: 0, transform: `translateY(${start - margin}px)` }}
        >
          {row(rows[index] as Row)}
        </div>
      ))}
    </div>
  );
}

/** The element around a list that is scrolled. */
function scrollerOf(list: HTMLElement): HTMLElement | null {
  for (let around = list.parentElement; around; around = around.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) return around;
  }
  return document.scrollingElement as HTMLElement | null;
}
