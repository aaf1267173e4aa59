/**
 * Where a placeholder stands: a bare word, single quotes, double quotes, the body of a here-document,
 * `$((...))` arithmetic; `verbatim` for every `{{name | raw}}`.
 */
export type PlaceContext = 'bare' | 'single' | 'double' | 'heredoc' | 'arithmetic' | 'verbatim';

/** One use of a parameter by a template. */
export interface ParameterUse {
  readonly name: string;
  /** `{{name | raw}}`: the value is code, not data. The same as the context `verbatim`. */
  readonly raw: boolean;
  readonly context: PlaceContext;
  /** The shell would evaluate the value as arithmetic here, so only an integer is accepted. */
  readonly integer: boolean;
  readonly line: number;
  readonly column: number;
}
