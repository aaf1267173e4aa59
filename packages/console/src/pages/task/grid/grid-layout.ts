/*
 * Where the cells of a grid lie: by rows of columns, or with a row, or some, for each batch. Pure. Lengths are CSS pixels.
 */

export const CELL_SIZES = [4, 8, 16] as const;
export type CellSize = (typeof CELL_SIZES)[number];

/** Room at the left for the numbers of the batches, and around the cells. */
const GUTTER = 40;
const EDGE = 4;
/** Shorter batches share rows: a row for each would be mostly empty. */
const BATCH_ROWS_FROM = 8;

export interface GridLayout {
  columns: number;
  rows: number;
  /** From one cell to the next. */
  pitch: number;
  cell: CellSize;
  left: number;
  width: number;
  height: number;
  /** Row of each place; undefined: rows are full. */
  rowOf(place: number): number;
  columnOf(place: number): number;
  /** The place at a row and column; undefined: there is none. */
  placeAt(row: number, column: number): number | undefined;
  /** The rows that begin a batch, with its number. */
  labels: readonly { row: number; batch: number }[];
}

/**
 * @param batches how many runs each batch has, where each is to begin a row; undefined: rows are filled.
 */
export function layoutOf(
  count: number,
  width: number,
  cell: CellSize,
  batches: readonly number[] | undefined,
): GridLayout {
  const pitch = cell + (cell === 16 ? 2 : 1);
  const byBatch = batches !== undefined && batches.length > 1 && (batches[0] ?? 0) >= BATCH_ROWS_FROM;
  const left = byBatch ? GUTTER : EDGE;
  const columns = Math.max(1, Math.floor((width - left - EDGE) / pitch));
  const starts: number[] = [];
  const labels: { row: number; batch: number }[] = [];
  if (byBatch) {
    let place = 0;
    batches.forEach((size, n) => {
      labels.push({ row: starts.length, batch: n + 1 });
      for (let taken = 0; taken < size; taken += columns) starts.push(place + taken);
      place += size;
    });
  } else for (let place = 0; place < count; place += columns) starts.push(place);
  const rows = starts.length;
  const rowOf = byBatch
    ? (place: number): number => lastAtMost(starts, place)
    : (place: number): number => Math.floor(place / columns);
  const endOf = (row: number): number => starts[row + 1] ?? count;
  return {
    columns,
    rows,
    pitch,
    cell,
    left,
    width,
    height: rows * pitch + 2 * EDGE,
    rowOf,
    columnOf: (place) => place - (starts[rowOf(place)] ?? 0),
    placeAt: (row, column) => {
      const start = starts[row];
      if (start === undefined || column < 0 || column >= columns) return undefined;
      const place = start + column;
      return place < endOf(row) ? place : undefined;
    },
    labels,
  };
}

/** The top left corner of a place's cell. */
export function cornerOf(layout: GridLayout, place: number): { x: number; y: number } {
  const row = layout.rowOf(place);
  return {
    x: layout.left + layout.columnOf(place) * layout.pitch,
    y: EDGE + row * layout.pitch,
  };
}

/** The place at a point; undefined: none is there. */
export function placeAtPoint(layout: GridLayout, x: number, y: number): number | undefined {
  return layout.placeAt(Math.floor((y - EDGE) / layout.pitch), Math.floor((x - layout.left) / layout.pitch));
}

const MOVES: Record<string, (layout: GridLayout, row: number, column: number) => [number, number]> = {
  ArrowLeft: (_, row, column) => [row, column - 1],
  ArrowRight: (_, row, column) => [row, column + 1],
  ArrowUp: (_, row, column) => [row - 1, column],
  ArrowDown: (_, row, column) => [row + 1, column],
  Home: (_, row) => [row, 0],
  PageUp: (_, row, column) => [Math.max(0, row - 10), column],
  PageDown: ({ rows }, row, column) => [Math.min(rows - 1, row + 10), column],
};

/** Where a key leads from a place; undefined: it is none that moves. */
export function moved(layout: GridLayout, place: number, key: string, count: number): number | undefined {
  if (key === 'End') return lastInRow(layout, layout.rowOf(place));
  const move = MOVES[key];
  if (!move) return undefined;
  if (key === 'ArrowLeft') return Math.max(0, place - 1);
  if (key === 'ArrowRight') return Math.min(count - 1, place + 1);
  const [row, column] = move(layout, layout.rowOf(place), layout.columnOf(place));
  if (row < 0 || row >= layout.rows) return place;
  return layout.placeAt(row, column) ?? lastInRow(layout, row);
}

function lastInRow(layout: GridLayout, row: number): number {
  for (let column = layout.columns - 1; column > 0; column--) {
    const place = layout.placeAt(row, column);
    if (place !== undefined) return place;
  }
  return layout.placeAt(row, 0) ?? 0;
}

function lastAtMost(starts: readonly number[], place: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as number) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
