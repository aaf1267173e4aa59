import { escapedLine } from '@rigel/contracts/invisible';
import { stringify } from 'yaml';
import { CommandError } from '../command/exit.js';
import { type Cells, plain, tableLines } from './screen.js';

export type Format = 'table' | 'wide' | 'json' | 'jsonl' | 'yaml' | 'name' | 'tsv';

/** One column of a table. */
export interface Column<Row> {
  /** Name of the field, for `--fields`. */
  field: string;
  title: string;
  /** What people read; default: the field of the row. */
  text?: (row: Row) => unknown;
  align?: 'start' | 'end';
  /** Only in `-o wide`, and when `--fields` names it. */
  isWide?: boolean;
}

interface PrinterOptions {
  format: Format;
  fields: readonly string[] | undefined;
  /** Of the terminal; undefined: the output is none. */
  columns: number | undefined;
  out(text: string): void;
}

/** A value at a path of a row: `held_by.task_id`. */
function valueAt(row: unknown, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** What a terminal would obey stands escaped, as in JSON, which keeps its meaning. */
const escapedLines = (text: string): string => text.split('\n').map(escapedLine).join('\n');

/** Prints the data of a command on standard output, in the format that was asked for. */
export class Printer {
  private isFirst = true;

  constructor(private readonly options: PrinterOptions) {}

  get format(): Format {
    return this.options.format;
  }

  /** The output is for people: lines of a table, not for a program. */
  get isForPeople(): boolean {
    return this.format === 'table' || this.format === 'wide';
  }

  /**
   * Prints rows of one kind.
   * @param kind for `-o name`: `task/42`.
   * @param options.header a line with the titles; default: yes.
   */
  rows<Row extends object>(
    kind: string,
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    { header = true }: { header?: boolean } = {},
  ): void {
    const { format, fields } = this.options;
    if (
      this.asData(
        rows.map((row) => this.picked(row)),
        'list',
      )
    )
      return;
    if (format === 'name') {
      for (const row of rows) this.line(`${kind}/${plain(valueAt(row, 'id') ?? valueAt(row, 'name'))}`);
      return;
    }
    const shown =
      fields === undefined
        ? columns.filter(({ isWide }) => format !== 'table' || isWide !== true)
        : fields.map((field) => columns.find((column) => column.field === field) ?? { field, title: field });
    if (fields !== undefined && rows.length > 0) {
      const unknown = shown.find(
        ({ field, text }) => text === undefined && rows.every((row) => valueAt(row, field) === undefined),
      );
      if (unknown)
        throw new CommandError(
          `there is no field ${unknown.field}; there are ${Object.keys(rows[0] as object).join(', ')}`,
        );
    }
    const cellOf = (row: Row, column: Column<Row>): string =>
      plain(column.text && format !== 'tsv' ? column.text(row) : valueAt(row, column.field));
    if (format === 'tsv') {
      for (const row of rows) this.line(shown.map((column) => cellOf(row, column)).join('\t'));
      return;
    }
    if (rows.length === 0) return;
    const cells = shown.map(
      (column): Cells => ({
        title: header ? column.title.toUpperCase() : '',
        align: column.align ?? 'start',
        cells: rows.map((row) => cellOf(row, column)),
      }),
    );
    const lines = tableLines(cells, format === 'table' ? this.options.columns : undefined);
    for (const line of header ? lines : lines.slice(1)) this.line(line);
  }

  /**
   * Prints one thing.
   * @param lines what people read of it: names with values.
   */
  one<Row extends object>(kind: string, row: Row, lines: readonly (readonly [string, unknown])[]): void {
    const { format, fields } = this.options;
    if (this.asData(this.picked(row), 'one')) return;
    if (format === 'name') {
      this.line(`${kind}/${plain(valueAt(row, 'id') ?? valueAt(row, 'name'))}`);
      return;
    }
    if (format === 'tsv') {
      const wanted = fields ?? Object.keys(row);
      this.line(wanted.map((field) => plain(valueAt(row, field))).join('\t'));
      return;
    }
    const shown = fields === undefined ? lines : fields.map((field) => [field, valueAt(row, field)] as const);
    const width = Math.max(0, ...shown.map(([name]) => name.length));
    for (const [name, value] of shown) {
      if (value !== undefined && value !== '') this.line(`${name.padEnd(width)}  ${plain(value)}`);
    }
  }

  /** Prints lines for people. In other formats a command prints data instead. */
  line(text: string): void {
    this.options.out(`${text}\n`);
  }

  /** Prints one line of data of a list that goes on: `-o jsonl`, or the same as text. */
  item(row: object, text: string): void {
    if (!this.asData(this.picked(row), 'item')) this.line(text);
  }

  private picked(row: object): unknown {
    const { fields } = this.options;
    if (fields === undefined) return row;
    return Object.fromEntries(fields.map((field) => [field, valueAt(row, field) ?? null]));
  }

  private asData(value: unknown, form: 'one' | 'list' | 'item'): boolean {
    switch (this.format) {
      case 'json':
        // What comes one by one is a line each, in JSON too: nobody knows the last one beforehand.
        this.line(escapedLines(JSON.stringify(value, undefined, form === 'item' ? undefined : 2)));
        return true;
      case 'jsonl':
        for (const row of form === 'list' ? (value as unknown[]) : [value])
          this.line(escapedLines(JSON.stringify(row)));
        return true;
      case 'yaml':
        this.options.out(
          `${form === 'item' && !this.isFirst ? '---\n' : ''}${escapedLines(stringify(value))}`,
        );
        this.isFirst = false;
        return true;
      default:
        return false;
    }
  }
}
