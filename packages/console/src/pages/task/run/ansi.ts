import Anser from 'anser';
import { INVISIBLE, symbolOf } from '../../../text/visible.js';

/** A piece of output of one look. Its classes are ours: nothing of the output itself becomes a class. */
export interface Span {
  text: string;
  /** One of the sixteen colours of terminals, from 0; undefined: the page's own. */
  colour?: number;
  ground?: number;
  bold?: boolean;
  italic?: boolean;
  underline?: boolean;
  /** A control character, shown as a symbol. */
  control?: boolean;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

const ESC = '\u001b';
/** A link (OSC 8) with its target, its text, and the end of the link. */
const LINK = new RegExp(`${ESC}\\]8;[^;${ESC}\\u0007]*;([^${ESC}\\u0007]*)(?:\\u0007|${ESC}\\\\)`, 'g');
/** Colours and styles (SGR), the only sequences that have an effect. */
const STYLE = new RegExp(`${ESC}\\[[\\d;]*m`, 'g');
/**
 * A line of output as spans. Links become their text and, in brackets, their target; control characters become symbols.
 * @param styles sequences of earlier lines that are still in force.
 */
export function spansOf(line: string, styles = ''): Span[] {
  const linked = withLinksAsText(line);
  const found: Span[] = [];
  const parts = linked.split(STYLE);
  const codes = linked.match(STYLE) ?? [];
  let force = styles;
  parts.forEach((part, index) => {
    if (index > 0) force = stylesAfter(codes[index - 1] ?? '', force);
    if (part === '') return;
    // Only styles reach the parser: a control character that stands in the text is none of its business.
    const looks = Anser.ansiToJson(`${force}x`, { json: true, use_classes: true });
    found.push(...visible(part, looks.at(-1)));
  });
  return found;
}

/** The sequences in force at the end of a line. */
export function stylesAfter(line: string, styles: string): string {
  if (!line.includes(ESC)) return styles;
  let now = styles;
  for (const code of line.match(STYLE) ?? []) now = /\[0?m/.test(code) ? '' : (now + code).slice(-200);
  return now;
}

function withLinksAsText(line: string): string {
  if (!line.includes(`${ESC}]8;`)) return line;
  let target = '';
  return line.replaceAll(LINK, (_, next: string) => {
    const end = target === '' ? '' : ` ⟨${target}⟩`;
    target = next;
    return end;
  });
}

function visible(text: string, look: Anser.AnserJsonEntry | undefined): Span[] {
  const style = look ? styleOf(look) : {};
  const spans: Span[] = [];
  let at = 0;
  for (const { 0: sign, index } of text.matchAll(INVISIBLE)) {
    if (index > at) spans.push({ ...style, text: text.slice(at, index) });
    spans.push({ text: symbolOf(sign), control: true });
    at = index + sign.length;
  }
  if (at < text.length) spans.push({ ...style, text: text.slice(at) });
  return spans;
}

function styleOf({ fg, bg, decorations }: Anser.AnserJsonEntry): Omit<Span, 'text'> {
  const colour = numberOf(fg);
  const ground = numberOf(bg);
  return {
    ...(colour === undefined ? {} : { colour }),
    ...(ground === undefined ? {} : { ground }),
    ...(decorations.includes('bold') ? { bold: true } : {}),
    ...(decorations.includes('italic') ? { italic: true } : {}),
    ...(decorations.includes('underline') ? { underline: true } : {}),
  };
}

function numberOf(name: string | null): number | undefined {
  const [, bright, colour] = /^ansi-(bright-)?([a-z]+)$/.exec(name ?? '') ?? [];
  const index = COLOURS.indexOf(colour ?? '');
  return index < 0 ? undefined : index + (bright === undefined ? 0 : 8);
}
