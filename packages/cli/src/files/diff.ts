/** Lines around a change that are shown too. */
const AROUND = 3;
/** Longer texts are compared by their beginnings and ends only: the table of the comparison has this many cells. */
const MOST_CELLS = 4_000_000;

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** The lines of a text; the last line end begins no line. */
export function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines[lines.length - 1] += '\u0000';
  return lines;
}

/** A unified diff of two texts, without its head; empty if they are the same. */
export function unifiedDiff(before: string, after: string): string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const shown: string[] = [];
  let [old, now] = [1, 1];
  for (let at = 0; at < lines.length; ) {
    const next = lines.findIndex(([mark], index) => index >= at && mark !== ' ');
    if (next < 0) break;
    const from = Math.max(at, next - AROUND);
    let to = next;
    for (let calm = 0; to < lines.length && calm <= 2 * AROUND; to++)
      calm = lines[to]?.[0] === ' ' ? calm + 1 : 0;
    while (to > next && lines[to - 1]?.[0] === ' ' && to - lastChange(lines, to) > AROUND + 1) to--;
    for (const [mark] of lines.slice(at, from)) {
      if (mark !== '+') old++;
      if (mark !== '-') now++;
    }
    const hunk = lines.slice(from, to);
    const count = (mark: '+' | '-') => hunk.filter(([own]) => own !== mark).length;
    // Of no line, the place is the line before.
    const place = (line: number, lines: number) => `${lines === 0 ? line - 1 : line},${lines}`;
    shown.push(`@@ -${place(old, count('+'))} +${place(now, count('-'))} @@`);
    for (const [mark, text] of hunk) {
      shown.push(`${mark}${text.replace('\u0000', '')}`);
      if (text.endsWith('\u0000')) shown.push('\\ no line end');
      if (mark !== '+') old++;
      if (mark !== '-') now++;
    }
    at = to;
  }
  return shown;
}

/** The last line before a place that has changed. */
function lastChange(lines: readonly Line[], before: number): number {
  for (let at = before - 1; at >= 0; at--) if (lines[at]?.[0] !== ' ') return at;
  return -1;
}

/** The longest common lines stay, the others go and come. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const [a, b] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  const same = (text: string): Line => [' ', text];
  return [
    ...before.slice(0, start).map(same),
    ...(a.length * b.length > MOST_CELLS
      ? [...a.map((text): Line => ['-', text]), ...b.map((text): Line => ['+', text])]
      : common(a, b)),
    ...before.slice(before.length - end).map(same),
  ];
}

function common(a: readonly string[], b: readonly string[]): Line[] {
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => length[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push([' ', a[i] as string]);
      i++;
      j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(['-', a[i++] as string]);
    else lines.push(['+', b[j++] as string]);
  }
  return [
    ...lines,
    ...a.slice(i).map((text): Line => ['-', text]),
    ...b.slice(j).map((text): Line => ['+', text]),
  ];
}
