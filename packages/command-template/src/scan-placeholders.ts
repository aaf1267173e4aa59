import { positionAt, printable, type SourcePosition, TemplateError } from './template-error.js';

/** One `{{...}}` found in a template's text. */
export interface Placeholder {
  readonly name: string;
  /** `{{name | raw}}`: pasted as it is. */
  readonly raw: boolean;
  /** The text from the opening to the closing braces. */
  readonly source: string;
  /** Where it starts in the template's text. */
  readonly position: SourcePosition;
  /** Set when it looks like a placeholder and is none: why. An error unless it stands in a comment. */
  readonly malformed: string | undefined;
}

/** A template's text with every placeholder replaced by one `HOLE` character. */
export interface ScannedTemplate {
  readonly text: string;
  readonly code: string;
  /** For each index of `code`, and for its end, the offset in `text`. */
  readonly origin: readonly number[];
  /** The placeholders by their index in `code`. */
  readonly holes: ReadonlyMap<number, Placeholder>;
}

/** Stands for a placeholder in scanned code. No shell text can contain it. */
export const HOLE = '\0';

const BRACES = /\{\{\{\{([^{}\r\n]+)\}\}\}\}|\{\{([^{}\r\n]*)\}(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/**
 * Finds the placeholders of a template.
 *
 * Two braces, a text without braces or line breaks, and two braces are a placeholder when the text, blanks
 * around it aside, starts with a letter, a digit, `_` or `|`; anything else, such as `{{.Name}}`, is left
 * alone. `{{{{text}}}}` stands for the literal `{{text}}`.
 *
 * @throws TemplateError when the text contains a NUL character.
 */
export function scanPlaceholders(text: string): ScannedTemplate {
  const nul = text.indexOf('\0');
  if (nul >= 0) throw new TemplateError(positionAt(text, nul), 'a template cannot contain a NUL character');

  let code = '';
  const origin: number[] = [];
  const holes = new Map<number, Placeholder>();
  const copy = (from: number, to: number) => {
    for (let i = from; i < to; i++) origin.push(i);
    code += text.slice(from, to);
  };

  const positionOf = positionCounter(text);
  let done = 0;
  for (const match of text.matchAll(BRACES)) {
    const end = match.index + match[0].length;
    if (match[1] !== undefined) {
      copy(done, match.index);
      copy(match.index + 2, end - 2);
      done = end;
      continue;
    }
    const placeholder = readPlaceholder(match[0], positionOf(match.index), match[2] ?? '', match[3] === '}');
    if (!placeholder) continue;
    copy(done, match.index);
    holes.set(code.length, placeholder);
    origin.push(match.index);
    code += HOLE;
    done = end;
  }
  copy(done, text.length);
  origin.push(text.length);
  return { text, code, origin, holes };
}

function readPlaceholder(
  source: string,
  position: SourcePosition,
  inner: string,
  closed: boolean,
): Placeholder | undefined {
  const content = inner.trim();
  const bar = content.indexOf('|');
  const name = bar < 0 ? content : content.slice(0, bar).trimEnd();
  const filter = bar < 0 ? undefined : content.slice(bar + 1).trimStart();
  const isName = NAME.test(name);
  const isAttempt = isName || (closed && /^[A-Za-z0-9_|]/.test(content));
  if (!isAttempt) return undefined;

  let malformed: string | undefined;
  if (!closed) {
    malformed = 'is closed by one brace only; write two';
  } else if (!isName) {
    malformed = `is no placeholder: a name starts with a letter or _ and goes on with letters, digits, and _ . -; for this text itself write {{{{${printable(content)}}}}}`;
  } else if (filter !== undefined && filter !== 'raw') {
    malformed = `has the unknown filter '${printable(filter)}'; the only filter is raw; for this text itself write {{{{${printable(content)}}}}}`;
  }
  return { name, raw: filter === 'raw', source, position, malformed };
}

/** Positions of growing offsets, without reading the text from its start for each. */
function positionCounter(text: string): (offset: number) => SourcePosition {
  let line = 1;
  let lineStart = 0;
  return (offset) => {
    for (;;) {
      const lineBreak = text.indexOf('\n', lineStart);
      if (lineBreak < 0 || lineBreak >= offset) return { line, column: offset - lineStart + 1 };
      line++;
      lineStart = lineBreak + 1;
    }
  };
}

/** The error of a placeholder, at its place. @param advice what to write instead; the message has it too. */
export function placeholderError(placeholder: Placeholder, message: string, advice?: string): TemplateError {
  return new TemplateError(placeholder.position, message, placeholder.name, advice);
}

/** Throws when the text between the braces is no proper placeholder. */
export function refuseMalformed(placeholder: Placeholder): void {
  if (placeholder.malformed === undefined) return;
  throw placeholderError(placeholder, `${printable(placeholder.source)} ${placeholder.malformed}`);
}
