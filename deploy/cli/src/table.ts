import { escapedLine } from '@rigel/contracts';

/** Columns as wide as their widest cell, as it will be shown. */
export function table(head: string[], given: string[][]): string[] {
  const rows = given.map((row) => row.map(escapedLine));
  const widths = head.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), title.length),
  );
  return [head, ...rows].map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
