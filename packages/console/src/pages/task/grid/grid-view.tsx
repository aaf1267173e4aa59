import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useSettings } from '../../../app/settings.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { STATES } from '../../../ui/state.js';
import { taskWords } from '../words.js';
import styles from './grid.module.css';
import { drawAll, drawSome, type Palette, paletteOf } from './grid-draw.js';
import { type CellSize, cornerOf, type GridLayout, layoutOf, moved, placeAtPoint } from './grid-layout.js';
import { type GridModel, type GridOrder, MARK } from './grid-model.js';
import type { GridStore } from './use-grid.js';

/** The picture is drawn again no more often than this, in milliseconds. */
const REDRAW_MS = 250;

interface GridViewProps {
  store: GridStore;
  model: GridModel;
  steps: readonly string[];
  order: GridOrder;
  cell: CellSize;
  /** The run that is open beside the grid. */
  opened: number | undefined;
  selected: ReadonlySet<number>;
  onOpen: (index: number) => void;
  onSelect: (index: number) => void;
  /** The run under the pointer, else the one with the focus. */
  onLook: (index: number | undefined) => void;
  /** Moves the focus to the run at an index when `seek` changes. */
  sought: { index: number; seek: number } | undefined;
}

/** All node runs of a task as one picture: a cell for each, drawn on a canvas, of which only what changes is drawn again. */
export function GridView(props: GridViewProps): ReactNode {
  const { store, model, steps, order, cell, opened, selected, onOpen, onSelect, onLook, sought } = props;
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const { theme, letterKeys } = useSettings();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [focused, setFocused] = useState(0);
  const [hovered, setHovered] = useState<number>();
  const [hasFocus, setHasFocus] = useState(false);
  // Makes the text of the focused cell again when its run changes.
  const [, setTick] = useState(0);
  const id = useId();

  // The order stays while states change, so that no cell moves under the pointer.
  const places = useMemo(() => model.ordered(order), [model, order]);
  const placeOf = useMemo(() => {
    const inverse = new Uint32Array(model.size);
    places.forEach((index, place) => {
      inverse[index] = place;
    });
    return inverse;
  }, [places, model]);
  const layout = useMemo(
    () => layoutOf(model.size, size.width, cell, order === 'batch' ? batchSizes(model) : undefined),
    [model, size.width, cell, order],
  );

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    // Without the room beside the cells: with it they would be wider than their place.
    const observer = new ResizeObserver(([entry]) =>
      setSize({ width: Math.floor(entry?.contentRect.width ?? 0), height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const picture = usePicture({
    canvas,
    scroller,
    layout,
    model,
    places,
    placeOf,
    selected,
    size,
    theme,
    store,
    setTick,
  });

  const place = Math.min(focused, model.size - 1);
  const current = places[place] as number;
  const looked = hovered ?? (hasFocus ? current : undefined);
  useEffect(() => onLook(looked), [looked, onLook]);

  const show = (next: number): void => {
    setFocused(next);
    const element = scroller.current;
    if (!element) return;
    const { y } = cornerOf(layout, next);
    if (y < element.scrollTop) element.scrollTop = y - layout.pitch;
    else if (y + layout.pitch > element.scrollTop + element.clientHeight)
      element.scrollTop = y + 2 * layout.pitch - element.clientHeight;
  };
  const seek = sought?.seek;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new search moves the focus.
  useEffect(() => {
    if (sought && seek !== undefined) show(placeOf[sought.index] as number);
  }, [seek]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = moved(layout, place, event.key, model.size);
    if (next !== undefined) show(next);
    else if ((event.key === 'n' || event.key === 'N') && letterKeys) {
      const direction = event.key === 'n' ? 1 : -1;
      const failed = model.search(places, place + direction, direction, (index) => model.isFailed(index));
      if (failed !== undefined) show(failed);
    } else if (event.key === 'Enter') onOpen(current);
    else if (event.key === ' ') onSelect(current);
    else return;
    event.preventDefault();
  };
  const pointed = (event: PointerEvent): number | undefined => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = placeAtPoint(layout, event.clientX - box.left, event.clientY - box.top);
    return at === undefined ? undefined : (places[at] as number);
  };
  const words = textOf(model, current, steps, text);
  return (
    <div ref={scroller} className={styles.scroller} onScroll={picture.draw} data-testid="grid-scroller">
      <div
        role="grid"
        tabIndex={0}
        aria-label={text('grid.label', { count: formatNumber(model.size) })}
        aria-rowcount={layout.rows}
        aria-colcount={layout.columns}
        aria-activedescendant={`${id}-cell`}
        aria-multiselectable="true"
        className={styles.grid}
        style={{ blockSize: `${layout.height}px` }}
        onKeyDown={onKeyDown}
        onFocus={() => setHasFocus(true)}
        onBlur={() => setHasFocus(false)}
        onPointerMove={(event) => setHovered(pointed(event))}
        onPointerLeave={() => setHovered(undefined)}
        onPointerDown={(event) => {
          const index = pointed(event);
          if (index === undefined) return;
          setFocused(placeOf[index] as number);
          if (event.shiftKey) onSelect(index);
          else onOpen(index);
        }}
      >
        <div role="row" aria-rowindex={layout.rowOf(place) + 1} className="only-read-aloud">
          <span
            role="gridcell"
            id={`${id}-cell`}
            aria-colindex={layout.columnOf(place) + 1}
            aria-selected={selected.has(current)}
          >
            {words}
          </span>
        </div>
        <canvas ref={canvas} className={styles.canvas} />
        {opened !== undefined && <Ring layout={layout} place={placeOf[opened] as number} kind="opened" />}
        {hasFocus && <Ring layout={layout} place={place} kind="focused" />}
        {hovered !== undefined && <Ring layout={layout} place={placeOf[hovered] as number} kind="hovered" />}
      </div>
    </div>
  );
}

/** A frame around a cell, above the picture, so that moving it draws nothing again. */
function Ring({ layout, place, kind }: { layout: GridLayout; place: number; kind: string }): ReactNode {
  const { x, y } = cornerOf(layout, place);
  return (
    <span
      aria-hidden="true"
      className={styles.ring}
      data-kind={kind}
      style={{
        insetInlineStart: `${x - 2}px`,
        insetBlockStart: `${y - 2}px`,
        inlineSize: `${layout.cell + 4}px`,
        blockSize: `${layout.cell + 4}px`,
      }}
    />
  );
}

interface PictureParts {
  canvas: { current: HTMLCanvasElement | null };
  scroller: { current: HTMLDivElement | null };
  layout: GridLayout;
  model: GridModel;
  places: Uint32Array;
  placeOf: Uint32Array;
  selected: ReadonlySet<number>;
  size: { width: number; height: number };
  theme: string;
  store: GridStore;
  setTick: (change: (tick: number) => number) => void;
}

/** Keeps the canvas current: all when the layout changes or is scrolled, else the cells of the runs that changed. */
function usePicture(parts: PictureParts): { draw: () => void } {
  const { canvas, scroller, layout, model, placeOf, selected, size, theme, store, setTick } = parts;
  const latest = useRef(parts);
  latest.current = parts;
  const palette = useRef<Palette>(undefined);

  const pictureNow = () => {
    const element = canvas.current;
    const context = element?.getContext('2d', { alpha: false });
    const { layout, model, places, selected, size } = latest.current;
    if (!element || !context || size.width === 0 || !scroller.current) return undefined;
    palette.current ??= paletteOf(scroller.current);
    return {
      context,
      layout,
      model,
      order: places,
      selected,
      palette: palette.current,
      top: scroller.current.scrollTop,
      height: size.height,
    };
  };
  const draw = useRef(() => {
    const picture = pictureNow();
    if (picture) drawAll(picture);
  }).current;

  // biome-ignore lint/correctness/useExhaustiveDependencies: each of these changes the whole picture.
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element || size.width === 0) return;
    const scale = devicePixelRatio || 1;
    element.width = Math.round(size.width * scale);
    element.height = Math.round(size.height * scale);
    element.style.inlineSize = `${size.width}px`;
    element.style.blockSize = `${size.height}px`;
    element.getContext('2d', { alpha: false })?.setTransform(scale, 0, 0, scale, 0, 0);
    palette.current = undefined;
    draw();
  }, [layout, model, placeOf, selected, size, theme]);

  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const forced = matchMedia('(forced-colors: active)');
    const recolour = (): void => {
      palette.current = undefined;
      draw();
    };
    scheme.addEventListener('change', recolour);
    forced.addEventListener('change', recolour);
    return () => {
      scheme.removeEventListener('change', recolour);
      forced.removeEventListener('change', recolour);
    };
  }, [draw]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the functions read what is current.
  useEffect(() => {
    const changed = new Set<number>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawnAt = 0;
    const flush = (): void => {
      timer = undefined;
      drawnAt = performance.now();
      const picture = pictureNow();
      if (picture)
        drawSome(
          picture,
          [...changed].map((index) => latest.current.placeOf[index] as number),
        );
      changed.clear();
      setTick((tick) => tick + 1);
    };
    const end = store.subscribe((different) => {
      // A new model comes from above.
      if (different === undefined) return;
      for (const index of different) changed.add(index);
      timer ??= setTimeout(flush, Math.max(0, drawnAt + REDRAW_MS - performance.now()));
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [store]);
  return { draw };
}

/** How many runs each batch has. */
function batchSizes(model: GridModel): number[] {
  const sizes: number[] = [];
  for (const batch of model.batch) sizes[batch - 1] = (sizes[batch - 1] ?? 0) + 1;
  return sizes;
}

/** A run in words: address, batch, state, step, attempt, marks. */
export function textOf(
  model: GridModel,
  index: number,
  steps: readonly string[],
  text: ReturnType<typeof useWords<keyof (typeof taskWords)['en-US']>>,
): string {
  const marks = model.marks[index] as number;
  const state = STATES[model.state[index] as number] ?? 'initial';
  const step = steps[Math.min(model.step[index] as number, steps.length - 1)] ?? '';
  const attempts = model.attempts[index] as number;
  return [
    model.ips[index],
    text('grid.batch', { batch: model.batch[index] as number }),
    text(`state.${state}`),
    ...(attempts > 0 ? [text('grid.step', { step, attempt: attempts })] : []),
    ...(marks & MARK.gate ? [text('mark.gate')] : []),
    ...(marks & MARK.retrying ? [text('mark.retrying')] : []),
    ...(marks & MARK.draining ? [text('mark.draining')] : []),
  ].join(' · ');
}
