import { CodeReader } from './code-reader.js';
import type { Heredoc } from './heredoc.js';
import { Lost } from './lost.js';
import type { PlaceContext } from './parameter-use.js';
import { type OpenWord, Placer } from './placer.js';
import {
  AFTER_BACKSLASH,
  AFTER_DOLLAR,
  IN_ANSI_QUOTES,
  IN_ARITHMETIC_COMMAND,
  IN_BACKQUOTES,
  IN_EXPANSION,
  IN_TRANSLATED_QUOTES,
} from './refusals.js';
import { HOLE, type ScannedTemplate } from './scan-placeholders.js';

const MAX_DEPTH = 100;

/** Reads what may stand inside a word: quotes, what a backslash makes literal, and what the shell expands. */
export abstract class ExpansionReader extends CodeReader {
  protected readonly placer: Placer;
  /** The word being read, if any. */
  protected openWord: OpenWord | undefined;
  /** Here-documents whose body has not started yet. */
  protected pending: Heredoc[] = [];
  private depth = 0;

  constructor(
    template: ScannedTemplate,
    start: number,
    protected readonly accepted: boolean,
  ) {
    super(template.code, start);
    this.placer = new Placer(template, accepted);
  }

  /**
   * Reads commands up to the end of the text, or up to the `)` that closes them, which it consumes.
   *
   * @returns the placeholders that they print, so that a value of them is in the output
   */
  protected abstract commands(inParentheses: boolean): readonly number[];

  protected singleQuotes(): void {
    const start = this.pos++;
    for (;;) {
      if (this.atEnd) throw new Lost('a single quote that is never closed', start, true);
      const char = this.char;
      if (char === HOLE) {
        this.hole('single');
        continue;
      }
      if (char === '\n') this.quotedLineBreak();
      this.pos++;
      if (char === "'") return;
      this.literal(char);
    }
  }

  /** Reads to the closing quote; the opening one has been consumed. */
  protected doubleQuotes(): void {
    const start = this.pos - 1;
    for (;;) {
      if (this.atEnd) throw new Lost('a double quote that is never closed', start, true);
      if (this.char === '"') {
        this.pos++;
        return;
      }
      this.quotedPart('double');
    }
  }

  /** One character or expansion of a text in double quotes or of a here-document's body. */
  protected quotedPart(context: 'double' | 'heredoc'): void {
    const char = this.char;
    switch (char) {
      case '\\':
        this.backslash();
        return;
      case '$':
        this.dollar(true);
        return;
      case '`':
        if (this.openWord) this.openWord.literal = false;
        this.backquotes();
        return;
      case HOLE:
        this.hole(context);
        return;
      case '\n':
        this.quotedLineBreak();
        break;
    }
    this.literal(char);
    this.pos++;
  }

  protected backslash(): void {
    const next = this.nextChar;
    if (next === '') throw new Lost('a backslash at its end', this.pos, true);
    if (next === HOLE) this.placer.refuse(this.pos + 1, AFTER_BACKSLASH);
    if (next === '\n') this.quotedLineBreak();
    else this.literal(next);
    this.pos += 2;
  }

  /** A `$` and what it expands, if anything. */
  protected dollar(quoted: boolean): void {
    const start = this.pos;
    const next = this.nextChar;
    if (this.isContinuation(this.pos + 1)) throw new Lost('a $ at the end of a continued line');
    if (next === HOLE) this.placer.refuse(this.pos + 1, AFTER_DOLLAR);
    if (this.openWord && next !== '') this.openWord.literal = false;
    if (next === '(') {
      this.pos += 2;
      if (this.isContinuation(this.pos)) throw new Lost('a continued line after $(');
      if (this.char === '(') {
        this.pos++;
        this.arithmetic(false);
      } else {
        const output = this.commands(true);
        for (const hole of output) this.placer.judge(hole, this.openWord);
      }
    } else if (next === '{') {
      this.pos += 2;
      this.parameterExpansion(quoted);
    } else if (next === '[') {
      throw new Lost('$[, which only some shells know: write $((...))');
    } else if (next === "'" && !quoted) {
      this.pos++;
      this.placer.refusing(IN_ANSI_QUOTES, () => this.singleQuotes());
      if (/[^\\](\\\\)*\\'$/.test(this.code.slice(start, this.pos))) {
        throw new Lost("a backslash before the quote in $'...', which not every shell knows", start);
      }
    } else if (next === '"' && !quoted) {
      this.pos += 2;
      this.placer.refusing(IN_TRANSLATED_QUOTES, () => this.doubleQuotes());
    } else {
      const name =
        /^\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9#?$!@*-])/.exec(this.code.slice(start, this.end))?.[0] ?? '$';
      this.pos += name.length;
    }
  }

  /** `${...}` after its opening brace. */
  private parameterExpansion(quoted: boolean): void {
    const start = this.pos - 2;
    if (!this.atEnd && !/[A-Za-z0-9_#!@*?$\0-]/.test(this.char)) throw new Lost(`an unusual \${...}`, start);
    this.nested(() => this.placer.refusing(IN_EXPANSION, () => this.parameterExpansionBody(quoted, start)));
  }

  private parameterExpansionBody(quoted: boolean, start: number): void {
    const doubtful = () => new Lost(`quotes or braces inside \${...}, which shells read differently`, start);
    let brackets = 0;
    for (let first = true; ; first = false) {
      if (this.atEnd) throw new Lost(`a \${ without its }`, start, true);
      const char = this.char;
      const next = this.nextChar;
      if (char === '}') {
        if (brackets > 0) throw doubtful();
        this.pos++;
        return;
      }
      if (char === '{' || (quoted && (char === "'" || char === '"'))) throw doubtful();
      if (char === '\\' && quoted && (next === "'" || next === '"')) throw doubtful();
      if (this.atProcessSubstitution) throw doubtful();
      if (char === '$' && (next === "'" || next === '"')) throw doubtful();
      if (char === '[') brackets++;
      if (char === ']' && brackets > 0) brackets--;
      if (char === '\\') {
        this.backslash();
      } else if (char === "'") {
        this.singleQuotes();
      } else if (char === '"') {
        this.pos++;
        this.doubleQuotes();
      } else if (char === '`') {
        this.backquotes();
      } else if (char === '$' && !first) {
        this.dollar(quoted);
      } else if (char === HOLE) {
        this.hole('double');
      } else {
        if (char === '\n') this.quotedLineBreak();
        this.pos++;
      }
    }
  }

  /**
   * Arithmetic after `((`, up to and with `))`.
   *
   * @param asCommand a `((` command, which shells without it read as two subshells
   */
  protected arithmetic(asCommand: boolean): void {
    const start = this.pos - 2;
    const doubtful = () => new Lost('text after (( that may be a command or arithmetic', start);
    let depth = 0;
    this.nested(() => {
      for (;;) {
        if (this.atEnd) throw new Lost('arithmetic without its ))', start, true);
        const char = this.char;
        if ('\'"\\`'.includes(char)) throw doubtful();
        if (asCommand && (char === '#' || this.code.startsWith('<<', this.pos))) throw doubtful();
        if (char === ')' && depth === 0) {
          if (this.nextChar !== ')') throw doubtful();
          this.pos += 2;
          return;
        }
        if (char === '(') depth++;
        if (char === ')') depth--;
        if (char === '$') {
          this.placer.refusing(IN_ARITHMETIC_COMMAND, () => this.dollar(true));
        } else if (char === HOLE) {
          this.hole('arithmetic');
        } else {
          if (char === '\n') this.quotedLineBreak();
          this.pos++;
        }
      }
    });
  }

  protected backquotes(): void {
    const start = this.pos++;
    this.placer.refusing(IN_BACKQUOTES, () => {
      for (;;) {
        if (this.atEnd) throw new Lost('a backquote that is never closed', start, true);
        const char = this.char;
        if (char === HOLE) {
          this.hole('bare');
        } else if (char === '\\' && this.nextChar !== '' && this.nextChar !== HOLE) {
          this.pos += 2;
        } else {
          if (char === '\n') this.quotedLineBreak();
          this.pos++;
          if (char === '`') break;
        }
      }
    });
    const inner = this.code.slice(start + 1, this.pos - 1);
    const count = (char: string) => inner.split(char).length - 1;
    const balanced = count("'") % 2 === 0 && count('"') % 2 === 0 && count('(') === count(')');
    if (!balanced || /#|<<|\\["']/.test(inner)) {
      throw new Lost('quotes, brackets or comments inside backquotes, which shells read differently', start);
    }
  }

  protected hole(context: PlaceContext): void {
    this.placer.place(this.pos++, context, this.openWord);
  }

  protected literal(char: string): void {
    if (this.openWord) this.openWord.text += char;
  }

  /** A line break that ends no command: some shells start the body of a pending here-document there. */
  protected quotedLineBreak(): void {
    if (this.pending.length > 0) throw new Lost('a line break between a here-document and its body');
  }

  protected nested(read: () => void): void {
    if (++this.depth > MAX_DEPTH) throw new Lost('deep nesting');
    read();
    this.depth--;
  }
}
