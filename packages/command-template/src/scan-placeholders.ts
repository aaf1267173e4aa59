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
  readonly malformed?: string;
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
const NAME = '[A-Za-z_][A-Za-z0-9_.-]*';
const PLACEHOLDER = new RegExp(`^(${NAME})$`);
const FILTERED = new RegExp(`^(${NAME})[ \\t]*\\|[ \\t]*(.*)$`);

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
  const content = inner.replaceAll(/^[ \t]+|[ \t]+$/g, '');
  const base = { source, position };
  const simple = PLACEHOLDER.exec(content)?.[1];
  const filtered = FILTERED.exec(content);
  const name = simple ?? filtered?.[1];
  if (!closed) {
    if (name === undefined) return undefined;
    return { ...base, name, raw: false, malformed: 'is closed by one brace only; write two' };
  }
  if (simple !== undefined) return { ...base, name: simple, raw: false };
  if (name !== undefined) {
    const filter = filtered?.[2] ?? '';
    if (filter === 'raw') return { ...base, name, raw: true };
    return {
      ...base,
      name,
      raw: false,
      malformed: `has the unknown filter '${printable(filter)}'; the only filter is raw`,
    };
  }
  if (!/^[A-Za-z0-9_|]/.test(content)) return undefined;
  return {
    ...base,
    name: content,
    raw: false,
    malformed: `is no placeholder: a name starts with a letter or _ and goes on with letters, digits, and _ . -; for this text itself write {{{{${printable(content)}}}}}`,
  };
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

/** The error of a placeholder, at its place. */
export function placeholderError(placeholder: Placeholder, message: string): TemplateError {
  return new TemplateError(placeholder.position, message, placeholder.name);
}

/** Throws when the text between the braces is no proper placeholder. */
export function refuseMalformed(placeholder: Placeholder): void {
  if (placeholder.malformed === undefined) return;
  throw placeholderError(placeholder, `${printable(placeholder.source)} ${placeholder.malformed}`);
}
