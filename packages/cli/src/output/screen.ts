import { escapedLine } from '@rigel/contracts/invisible';

/** Characters that take two columns of a terminal: East Asian wide and full-width ones, and most pictographs. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{Mn}/u;

const columnsOf = (character: string): number =>
  COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** The beginning of a text that takes at most so many columns, with an ellipsis where it is cut. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/**
 * A text of the system or of a node, as it may go to a terminal: nothing in it can move the cursor, and no text looks
 * like another one.
 */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return escapedLine(text);
}

const padded = (text: string, columns: number, align: 'start' | 'end'): string => {
  const room = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'end' ? room + text : text + room;
};

export interface Cells {
  title: string;
  align: 'start' | 'end';
  cells: readonly string[];
}

/**
 * Lines of a table. The widest column gives way when they are longer than the terminal.
 * @param columns of the terminal; undefined: nothing is cut.
 */
export function tableLines(given: readonly Cells[], columns: number | undefined): string[] {
  const widths = given.map(({ title, cells }) =>
    cells.reduce((widest, cell) => Math.max(widest, widthOf(cell)), widthOf(title)),
  );
  if (columns !== undefined) {
    let over = widths.reduce((sum, width) => sum + width, 0) + 2 * (widths.length - 1) - columns;
    while (over > 0) {
      const widest = widths.indexOf(Math.max(...widths));
      const width = widths[widest] as number;
      if (width <= 8) break;
      const next = Math.max(8, width - over);
      over -= width - next;
      widths[widest] = next;
    }
  }
  const rows = given[0]?.cells.length ?? 0;
  const line = (of: (column: Cells) => string): string =>
    given
      .map((column, at) => padded(cut(of(column), widths[at] as number), widths[at] as number, column.align))
      .join('  ')
      .trimEnd();
  return [
    line(({ title }) => title),
    ...Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? '')),
  ];
}
