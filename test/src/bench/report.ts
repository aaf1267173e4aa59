/** One measured number. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What it is to be; without it the number is for information. */
  goal?: { atLeast: number } | { atMost: number };
}

/** What a benchmark found. */
export interface BenchReport {
  figures: Figure[];
  /** Parts that could not be measured here, each with the reason. */
  skipped: string[];
}

/** Writes a line for whoever watches. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Whether a figure is as it is to be; undefined when it has no goal. */
export function reached({ value, goal }: Figure): boolean | undefined {
  if (!goal) return undefined;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** The figures as lines of a table: what, value, unit, goal. */
export function table(reports: ReadonlyMap<string, BenchReport>): string[] {
  const rows = [...reports].flatMap(([bench, { figures }]) =>
    figures.map((figure) => [bench, figure.name, shown(figure.value), figure.unit, goalOf(figure)]),
  );
  const header = ['bench', 'figure', 'value', 'unit', 'goal'];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [header, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 2 ? cell.padStart(widths[2] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** As few digits as say something. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function goalOf(figure: Figure): string {
  const { goal } = figure;
  if (!goal) return '';
  const text = 'atLeast' in goal ? `at least ${shown(goal.atLeast)}` : `at most ${shown(goal.atMost)}`;
  return `${text}${reached(figure) ? '' : ': missed'}`;
}

/** The one in the middle; of two the greater. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
