/** States of nodes as the API numbers them: waits, running, succeeded, failed, halted. */
const STATES = 5;

/** Of several nodes in one place, the one with the highest rank is shown: what went wrong is never hidden. */
const RANK = [1, 3, 0, 4, 2];

/** A letter for each state, where there are no colours or no blocks. */
const LETTERS = ['.', 'o', '#', 'x', '-'];

/** Colours of a terminal with 256 of them, by state. */
const COLOURS = [240, 39, 35, 203, 178];

const RESET = '\x1b[0m';

/** How a picture of nodes is drawn. */
export interface Style {
  /** A letter for each node instead of half a block in its colour. */
  letters: boolean;
  colour: boolean;
}

export interface Picture {
  lines: string[];
  /** Nodes that share one place. */
  each: number;
}

/** The state that stands for nodes that share a place. */
function stateOf(states: Uint8Array, from: number, each: number): number | undefined {
  let shown: number | undefined;
  for (let at = from; at < Math.min(states.length, from + each); at++) {
    const state = states[at] as number;
    if (shown === undefined || (RANK[state] ?? 0) > (RANK[shown] ?? 0)) shown = state;
  }
  return shown;
}

/**
 * All nodes of a task in a rectangle of characters, one after the other in lines: half a block each, so that 10,000
 * have room in 100 × 50 characters. Where there are more nodes than room, several share a place.
 * @param states one of each node.
 */
export function gridPicture(states: Uint8Array, columns: number, rows: number, style: Style): Picture {
  const halves = style.letters ? 1 : 2;
  const room = Math.max(1, columns * rows * halves);
  const each = Math.max(1, Math.ceil(states.length / room));
  const places = Math.ceil(states.length / each);
  const lines: string[] = [];
  for (let first = 0; first < places; first += columns * halves) {
    let line = '';
    let paint = '';
    const inRow = Math.min(columns, places - first);
    for (let column = 0; column < inRow; column++) {
      const upper = stateOf(states, (first + column) * each, each) ?? 0;
      if (style.letters) {
        const wanted = style.colour ? `\x1b[38;5;${COLOURS[upper]}m` : '';
        if (wanted !== paint) line += wanted;
        paint = wanted;
        line += LETTERS[upper];
        continue;
      }
      const below = first + columns + column;
      const lower = below < places ? stateOf(states, below * each, each) : undefined;
      const wanted = `\x1b[0;38;5;${COLOURS[upper]}${lower === undefined || lower === upper ? '' : `;48;5;${COLOURS[lower]}`}m`;
      if (wanted !== paint) line += wanted;
      paint = wanted;
      line += lower === upper ? '█' : '▀';
    }
    lines.push(paint === '' ? line : line + RESET);
  }
  return { lines, each };
}

/** `# 342 succeeded  o 50 running …`: what the letters or colours mean, with the number of nodes of each. */
export function legend(counts: readonly number[], names: readonly string[], style: Style): string {
  return Array.from({ length: STATES }, (_, state) => {
    const mark = style.letters ? (LETTERS[state] as string) : '█';
    const shown = style.colour ? `\x1b[38;5;${COLOURS[state]}m${mark}${RESET}` : mark;
    return `${shown} ${(counts[state] ?? 0).toLocaleString('en')} ${names[state]}`;
  }).join('  ');
}
