/** A place in a template's text; both count from 1, the column in UTF-16 units. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/**
 * A template that cannot be used safely, or a value that its place cannot take. The message starts with
 * `line:column: `, says what is wrong and what to write instead, and never contains a parameter's value,
 * because the value may be a secret.
 */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly line: number;
  readonly column: number;
  /** The parameter of the error, if it has one. */
  readonly parameter: string | undefined;
  /** What to write instead, where the error is a placeholder in a place that takes none. */
  readonly advice: string | undefined;

  constructor(position: SourcePosition, message: string, parameter?: string, advice?: string) {
    super(`${position.line}:${position.column}: ${message}`);
    this.line = position.line;
    this.column = position.column;
    this.parameter = parameter;
    this.advice = advice;
  }
}

/** Line and column of a character offset in a text. */
export function positionAt(text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/**
 * Template text made fit for a message, without quotes and backslashes, because clients paste messages into JSON by
 * hand.
 */
export function printable(text: string): string {
  const cleaned = text
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replaceAll(/\p{Cc}/gu, '?');
  return cleaned.length > 60 ? `${cleaned.slice(0, 60)}...` : cleaned;
}
