import { cornerOf, type GridLayout } from './grid-layout.js';
import { type GridModel, MARK } from './grid-model.js';

/*
 * Draws cells. Each state has a fill and a form of its own, so that it is told apart without its colour; what succeeded is
 * quiet, so that what failed is seen at once.
 */

/** Colours, read from the style sheet. */
export interface Palette {
  surface: string;
  text: string;
  faint: string;
  line: string;
  /** By state: waiting, running, succeeded, failed, stopped. */
  states: readonly string[];
  succeeded: string;
  font: string;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const probe = document.createElement('span');
  element.append(probe);
  // A computed colour is one that a canvas understands, whatever the style sheet made it of.
  const colour = (value: string): string => {
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const forced = matchMedia('(forced-colors: active)').matches;
  const named = (name: string): string => colour(`var(--${name})`);
  const palette: Palette = {
    surface: forced ? colour('Canvas') : named('surface'),
    text: forced ? colour('CanvasText') : named('text'),
    faint: forced ? colour('CanvasText') : named('text-faint'),
    line: forced ? colour('GrayText') : named('line-strong'),
    states: forced
      ? ['GrayText', 'Highlight', 'CanvasText', 'CanvasText', 'GrayText'].map(colour)
      : ['waiting', 'running', 'success', 'failed', 'stopped'].map(named),
    succeeded: forced ? colour('GrayText') : colour('color-mix(in srgb, var(--success) 36%, var(--surface))'),
    font: `11px ${style.fontFamily}`,
  };
  probe.remove();
  return palette;
}

interface Picture {
  context: CanvasRenderingContext2D;
  layout: GridLayout;
  model: GridModel;
  order: Uint32Array;
  selected: ReadonlySet<number>;
  palette: Palette;
  /** The part in sight, in pixels from the top. */
  top: number;
  height: number;
}

/** Draws all cells in sight. */
export function drawAll(picture: Picture): void {
  const { context, layout, palette, top, height, order } = picture;
  context.fillStyle = palette.surface;
  context.fillRect(0, 0, layout.width, height);
  const first = Math.max(0, Math.floor(top / layout.pitch) - 1);
  const last = Math.min(layout.rows - 1, Math.ceil((top + height) / layout.pitch));
  context.font = palette.font;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  context.fillStyle = palette.faint;
  let below = Number.NEGATIVE_INFINITY;
  for (const { row, batch } of layout.labels) {
    const y = 4 + row * layout.pitch + layout.cell / 2 - top;
    // No label lies on another one.
    if (y - below < 14) continue;
    below = y;
    if (row >= first && row <= last) context.fillText(String(batch), layout.left - 8, y);
  }
  for (let row = first; row <= last; row++) {
    for (let column = 0; column < layout.columns; column++) {
      const place = layout.placeAt(row, column);
      if (place === undefined) break;
      drawCell(picture, place, order[place] as number);
    }
  }
}

/** Draws the cells of some runs again, those of them that are in sight. */
export function drawSome(picture: Picture, places: Iterable<number>): void {
  for (const place of places) drawCell(picture, place, picture.order[place] as number);
}

function drawCell(
  { context, layout, model, selected, palette, top, height }: Picture,
  place: number,
  index: number,
): void {
  const corner = cornerOf(layout, place);
  const x = corner.x;
  const y = corner.y - top;
  const size = layout.cell;
  if (y + size < 0 || y > height) return;
  const state = model.state[index] as number;
  const marks = model.marks[index] as number;
  const colour = palette.states[state] as string;
  context.fillStyle = palette.surface;
  context.fillRect(x, y, size, size);
  context.fillStyle = colour;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  switch (state) {
    case 0:
      context.strokeStyle = palette.line;
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
      break;
    case 1:
      // Two quarters, or a square with a hole.
      if (size < 8) {
        context.fillRect(x, y, 2, 2);
        context.fillRect(x + 2, y + 2, 2, 2);
      } else {
        context.fillRect(x, y, size, size);
        context.fillStyle = palette.surface;
        const hole = size / 4;
        context.fillRect(x + size / 2 - hole / 2, y + size / 2 - hole / 2, hole, hole);
      }
      break;
    case 2:
      context.fillStyle = palette.succeeded;
      context.fillRect(x, y, size, size);
      break;
    case 3:
      context.fillRect(x, y, size, size);
      if (size >= 8) {
        context.strokeStyle = palette.surface;
        context.lineWidth = size / 8;
        const inset = size / 4;
        context.beginPath();
        context.moveTo(x + inset, y + inset);
        context.lineTo(x + size - inset, y + size - inset);
        context.moveTo(x + size - inset, y + inset);
        context.lineTo(x + inset, y + size - inset);
        context.stroke();
      }
      break;
    default:
      // The lower half, and the outline of the whole.
      context.fillRect(x, y + size / 2, size, size / 2);
      if (size >= 8) context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
  }
  if (marks !== 0 && size >= 8) drawMarks(context, marks, { x, y, size }, palette);
  if (selected.has(index)) {
    context.fillStyle = palette.text;
    const dot = Math.max(2, size / 4);
    context.fillRect(x, y, dot, dot);
  }
}

/** A corner: another attempt; a bar in the middle: it waits for other pools; a line at the foot: its command may still run. */
function drawMarks(
  context: CanvasRenderingContext2D,
  marks: number,
  { x, y, size }: { x: number; y: number; size: number },
  palette: Palette,
): void {
  if (marks & MARK.retrying) {
    context.fillStyle = palette.surface;
    context.beginPath();
    context.moveTo(x + size / 2, y);
    context.lineTo(x + size, y);
    context.lineTo(x + size, y + size / 2);
    context.fill();
  }
  context.fillStyle = palette.text;
  if (marks & MARK.gate) context.fillRect(x + size / 2 - 1, y + size / 4, 2, size / 2);
  if (marks & MARK.draining) context.fillRect(x, y + size - 2, size, 2);
}
