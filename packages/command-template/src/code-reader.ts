/** They end a word that is not quoted. */
export const METACHARACTERS = ' \t\n;&|<>()';

/** A position in shell code, with the looks ahead that every part of the lexer needs. */
export class CodeReader {
  protected readonly code: string;
  protected pos: number;
  protected end: number;

  constructor(code: string, pos: number) {
    this.code = code;
    this.pos = pos;
    this.end = code.length;
  }

  protected get atEnd(): boolean {
    return this.pos >= this.end;
  }

  /** The character here, or nothing at the end. */
  protected get char(): string {
    return this.charAt(this.pos);
  }

  protected get nextChar(): string {
    return this.charAt(this.pos + 1);
  }

  protected get atProcessSubstitution(): boolean {
    return (this.char === '<' || this.char === '>') && this.nextChar === '(';
  }

  /** A backslash and a line break, which the shell removes. */
  protected isContinuation(at: number): boolean {
    return this.charAt(at) === '\\' && this.charAt(at + 1) === '\n';
  }

  protected skipBlanks(): void {
    for (;;) {
      if (this.char === ' ' || this.char === '\t') this.pos++;
      else if (this.isContinuation(this.pos)) this.pos += 2;
      else return;
    }
  }

  private charAt(at: number): string {
    return at < this.end ? (this.code[at] ?? '') : '';
  }
}
