import {
  type ArgumentRule,
  argumentRule,
  bracesMoveArguments,
  DATA,
  INTEGER,
  type Refusal,
} from './argument-rule.js';
import { CodeReader } from './code-reader.js';
import { CommandTracker, type Word } from './command-tracker.js';
import { type LineWord, runnerOfInput } from './evaluating.js';
import { findHeredocEnd, type Heredoc } from './heredoc.js';
import { Lost } from './lost.js';
import type { PlaceContext } from './parameter-use.js';
import { type OpenWord, type Placement, Placer } from './placer.js';
import {
  AFTER_BACKSLASH,
  AFTER_DOLLAR,
  AS_HEREDOC_DELIMITER,
  BESIDE_BRACES,
  IN_ANSI_QUOTES,
  IN_ARITHMETIC_COMMAND,
  IN_ARRAY_VALUE,
  IN_BACKQUOTES,
  IN_EXPANSION,
  IN_OPEN_PIPE,
  IN_QUOTED_HEREDOC,
  IN_TRANSLATED_QUOTES,
} from './refusals.js';
import { HOLE, type ScannedTemplate } from './scan-placeholders.js';
import { printable } from './template-error.js';
import { Variables } from './variables.js';

const METACHARACTERS = ' \t\n;&|<>()';
const MAX_DEPTH = 100;

/**
 * Reads shell text as POSIX shells and bash read it and says for every placeholder where it stands.
 *
 * @param start where the shell text starts in the scanned code
 * @param accepted see `ParseOptions`
 * @returns placements by the placeholders' index in the scanned code; `{{name | raw}}` outside comments has none
 * @throws TemplateError for a parameter in a place where it could not stay literal data, or after text that
 *   the shells, or this lexer and the shells, may read differently.
 */
export function placePlaceholders(
  template: ScannedTemplate,
  start: number,
  accepted = false,
): Map<number, Placement> {
  return new ShellLexer(template, start, accepted).run();
}

/** Who may read what is fed to the command that has been read so far: behind a compound command any of its parts. */
function readersOf(tracker: CommandTracker): readonly LineWord[] {
  return tracker.words.length === 0 ? tracker.allWords : tracker.lineWords;
}

class ShellLexer extends CodeReader {
  readonly #placer: Placer;
  readonly #variables = new Variables();
  #depth = 0;
  /** Here-documents whose body has not started yet. */
  #pending: Heredoc[] = [];
  /** The word being read, if any. */
  #word: OpenWord | undefined;
  /** Of the list of commands being read. */
  #tracker: CommandTracker | undefined;

  constructor(
    template: ScannedTemplate,
    start: number,
    private readonly accepted: boolean,
  ) {
    super(template.code, start);
    this.#placer = new Placer(template, accepted);
  }

  run(): Map<number, Placement> {
    try {
      this.#commands(false);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      this.#placer.refuseRest(error, error.at ?? this.pos);
    }
    const { integers, arrays, forbidden } = this.#variables.outcome();
    for (const hole of integers) this.#placer.requireInteger(hole);
    for (const hole of arrays) this.#placer.refuse(hole, IN_ARRAY_VALUE);
    if (forbidden !== undefined) this.#placer.refuseAll(forbidden);
    return this.#placer.placements;
  }

  // --- Commands ---

  /**
   * Reads commands up to the end of the text, or up to the `)` that closes them, which it consumes.
   *
   * @returns the placeholders that they print, so that a value of them is in the output
   */
  #commands(inParentheses: boolean): readonly number[] {
    let output: readonly number[] = [];
    this.#nested(() => {
      const start = this.pos;
      const tracker = new CommandTracker((hole) => this.#placer.requireInteger(hole), this.#variables);
      const outerTracker = this.#tracker;
      this.#tracker = tracker;
      const outerWord = this.#word;
      const outerPending = this.#pending.length;
      this.#word = undefined;
      for (;;) {
        this.skipBlanks();
        if (this.atEnd) {
          if (inParentheses) throw new Lost('$( without its )', start, true);
          const open = tracker.openConstruct ?? (this.#pending.length > 0 ? 'a here-document' : undefined);
          if (open) throw new Lost(open, this.pos, true);
          break;
        }
        const char = this.char;
        if (char === '\n') {
          if (outerPending > 0) throw new Lost('a line break between a here-document and its body');
          this.pos++;
          tracker.lineBreak();
          this.#heredocBodies(tracker);
        } else if (char === '#') {
          this.#comment();
        } else if (char === ')') {
          this.pos++;
          if (tracker.closeParenthesis()) {
            if (!inParentheses) throw new Lost('a closing parenthesis', this.pos - 1);
            if (this.#pending.length > outerPending) throw new Lost('a here-document without its body');
            break;
          }
        } else if (char === '(') {
          this.#parenthesis(tracker);
        } else if (char === '<' || char === '>') {
          this.#redirection(tracker);
        } else if (';&|'.includes(char)) {
          this.#operator(tracker);
        } else {
          const word = this.#commandWord(tracker);
          if (!this.#isDescriptor(word)) tracker.word(word);
        }
      }
      tracker.finish();
      output = tracker.output;
      this.#tracker = outerTracker;
      outerTracker?.substituted(tracker.commands);
      this.#word = outerWord;
    });
    return output;
  }

  /** Whether a word is the number in front of a redirection, `2` in `2>&1`, and not a word of the command. */
  #isDescriptor(word: Word): boolean {
    if (!word.plain || (this.char !== '<' && this.char !== '>')) return false;
    if (this.accepted) return /^\d+$/.test(word.text);
    if (/^\{\w+\}$/.test(word.text))
      throw new Lost('a variable for a file descriptor, which only some shells know');
    if (!/^\d+$/.test(word.text)) return false;
    if (this.atProcessSubstitution) throw new Lost('a number in front of a process substitution');
    return true;
  }

  #parenthesis(tracker: CommandTracker): void {
    const doubled = this.nextChar === '(';
    if (this.isContinuation(this.pos + 1)) throw new Lost('a continued line after a parenthesis');
    if (doubled && tracker.mayStartArithmetic) {
      this.pos += 2;
      this.#arithmetic(true);
      tracker.startCommand();
    } else if (tracker.words.length === 1 && tracker.words[0]?.literal && this.#functionParentheses()) {
      tracker.startCommand();
    } else {
      tracker.openParenthesis();
      this.pos++;
    }
  }

  /** Consumes the `()` of a function's definition. */
  #functionParentheses(): boolean {
    const match = /^\([ \t]*\)/.exec(this.code.slice(this.pos, this.pos + 20));
    if (!match) return false;
    this.pos += match[0].length;
    return true;
  }

  #operator(tracker: CommandTracker): void {
    const rest = this.code.slice(this.pos, this.pos + 3);
    const operator = /^(;;&|;;|;&|;|&&|&|\|\||\|&|\|)/.exec(rest)?.[0] ?? rest;
    this.pos += operator.length;
    this.#refuseSplitOperator();
    if (operator === '&' && this.char === '>') return; // bash: both outputs; elsewhere: the command ends
    tracker.operator(operator);
  }

  #redirection(tracker: CommandTracker): void {
    const rest = this.code.slice(this.pos, this.pos + 3);
    if (this.atProcessSubstitution) {
      tracker.word(this.#commandWord(tracker));
      return;
    }
    if (tracker.inCondition && !rest.startsWith('<<')) {
      this.pos++;
      return;
    }
    const operator = /^(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)/.exec(rest)?.[0] ?? rest;
    const at = this.pos;
    this.pos += operator.length;
    this.#refuseSplitOperator();
    tracker.redirection();
    this.skipBlanks();
    if (this.char === '#') throw new Lost('a # after a redirection');
    if (operator === '<<' || operator === '<<-') {
      this.#heredocOperator(tracker, operator === '<<-', at);
    } else if (!this.atEnd && (!METACHARACTERS.includes(this.char) || this.atProcessSubstitution)) {
      const { holes } = this.#readWord(() => this.#redirectionRule(operator, tracker));
      if (holes.length > 0 && operator === '<<<') tracker.feed('a here-string', false);
      if (holes.length > 0 && operator === '<') tracker.feed('a process substitution', false);
    }
  }

  #redirectionRule(operator: string, tracker: CommandTracker): ArgumentRule {
    // bash expands the target of >& once more when it is no number: $(...) in a value would run.
    if (operator === '>&' || operator === '<&') return INTEGER;
    const runner = operator === '<<<' ? runnerOfInput(readersOf(tracker)) : undefined;
    if (runner === undefined) return DATA;
    return {
      kind: 'refused',
      place: `in text that is fed to ${printable(runner)}, which runs it as code`,
      instead: 'hand the value over as an argument or in an environment variable',
    };
  }

  /** `<\` at the end of a line and `<` on the next: some shells join them to one operator, some do not. */
  #refuseSplitOperator(): void {
    if (!this.isContinuation(this.pos)) return;
    if (/^(\\\n)+[;&|<>(-]/.test(this.code.slice(this.pos))) {
      throw new Lost('an operator continued on the next line');
    }
  }

  #commandWord(tracker: CommandTracker): Word {
    const before = tracker.words;
    const word = this.#readWord((prefix) => argumentRule(before, prefix), tracker);
    if (word.holes.length > 0 && bracesMoveArguments(before, word))
      for (const hole of word.holes) this.#placer.refuse(hole, BESIDE_BRACES);
    return word;
  }

  #readWord(rule: (prefix: string) => ArgumentRule, tracker?: CommandTracker): Word {
    const start = this.pos;
    const word: OpenWord = { text: '', plain: true, literal: true, openBrackets: 0, holes: [], rule };
    this.#word = word;
    while (!this.atEnd) {
      const char = this.char;
      if (this.pos === start && this.atProcessSubstitution) {
        word.plain = word.literal = false;
        this.pos += 2;
        const output = this.#commands(true);
        if (output.length > 0) {
          if (tracker) tracker.feed('a process substitution', true);
          else word.holes.push(...output);
        }
      } else if (char === '(' && tracker && /^[A-Za-z_]\w*\+?=$/.test(this.code.slice(start, this.pos))) {
        this.pos++;
        this.#arrayElements(argumentRule(tracker.words, word.text, true), word.holes);
        word.plain = word.literal = false;
        word.isList = true;
        break;
      } else if (char === '(' && this.pos > start && '?*+@!'.includes(this.code[this.pos - 1] ?? '')) {
        throw new Lost('an extended pattern');
      } else if (METACHARACTERS.includes(char)) {
        break;
      } else {
        this.#wordPart(word, char);
      }
    }
    this.#word = undefined;
    if (word.openBrackets > 0 && /^[A-Za-z_][A-Za-z0-9_]*\[/.test(this.code.slice(start, this.pos))) {
      throw new Lost('an index in brackets that are not closed in the same word', start);
    }
    return word;
  }

  #wordPart(word: Word, char: string): void {
    switch (char) {
      case "'":
        word.plain = false;
        this.#singleQuotes();
        return;
      case '"':
        word.plain = false;
        this.pos++;
        this.#doubleQuotes();
        return;
      case '\\':
        word.plain &&= this.isContinuation(this.pos);
        this.#backslash();
        return;
      case '$':
        word.plain = false;
        this.#dollar(false);
        return;
      case '`':
        word.plain = word.literal = false;
        this.#backquotes();
        return;
      case HOLE:
        word.plain = word.literal = false;
        this.#hole('bare');
        return;
      case '{':
        word.braces = true;
        break;
      case '[':
        word.openBrackets++;
        break;
      case ']':
        if (word.openBrackets > 0) word.openBrackets--;
        break;
    }
    word.text += char;
    this.pos++;
  }

  /** The elements of `name=(...)` after the parenthesis. */
  #arrayElements(rule: ArgumentRule, holes: number[]): void {
    const start = this.pos;
    for (;;) {
      this.skipBlanks();
      if (this.atEnd) throw new Lost('a list of array elements without its )', start, true);
      const char = this.char;
      if (char === ')') {
        this.pos++;
        return;
      }
      if (char === '\n') {
        this.#quotedLineBreak();
        this.pos++;
      } else if (char === '#') {
        this.#comment();
      } else if (METACHARACTERS.includes(char) && !this.atProcessSubstitution) {
        throw new Lost('an operator among array elements');
      } else {
        const at = this.pos;
        const element = this.#readWord(() => rule);
        holes.push(...element.holes);
        if (element.openBrackets > 0 && this.code[at] === '[') {
          throw new Lost('an index in brackets that are not closed in the same word', at);
        }
      }
    }
  }

  #comment(): void {
    while (!this.atEnd && this.char !== '\n') {
      if (this.char === HOLE) this.#placer.comment(this.pos);
      this.pos++;
    }
  }

  // --- Quoting and expansions ---

  #singleQuotes(): void {
    const start = this.pos++;
    for (;;) {
      if (this.atEnd) throw new Lost('a single quote that is never closed', start, true);
      const char = this.char;
      if (char === HOLE) {
        this.#hole('single');
        continue;
      }
      if (char === '\n') this.#quotedLineBreak();
      this.pos++;
      if (char === "'") return;
      this.#literal(char);
    }
  }

  /** Reads to the closing quote; the opening one has been consumed. */
  #doubleQuotes(): void {
    const start = this.pos - 1;
    for (;;) {
      if (this.atEnd) throw new Lost('a double quote that is never closed', start, true);
      if (this.char === '"') {
        this.pos++;
        return;
      }
      this.#quotedPart('double');
    }
  }

  /** One character or expansion of a text in double quotes or of a here-document's body. */
  #quotedPart(context: 'double' | 'heredoc'): void {
    const char = this.char;
    switch (char) {
      case '\\':
        this.#backslash();
        return;
      case '$':
        this.#dollar(true);
        return;
      case '`':
        if (this.#word) this.#word.literal = false;
        this.#backquotes();
        return;
      case HOLE:
        this.#hole(context);
        return;
      case '\n':
        this.#quotedLineBreak();
        break;
    }
    this.#literal(char);
    this.pos++;
  }

  #backslash(): void {
    const next = this.nextChar;
    if (next === '') throw new Lost('a backslash at its end', this.pos, true);
    if (next === HOLE) this.#placer.refuse(this.pos + 1, AFTER_BACKSLASH);
    if (next === '\n') this.#quotedLineBreak();
    else this.#literal(next);
    this.pos += 2;
  }

  /** A `$` and what it expands, if anything. */
  #dollar(quoted: boolean): void {
    const start = this.pos;
    const next = this.nextChar;
    if (this.isContinuation(this.pos + 1)) throw new Lost('a $ at the end of a continued line');
    if (next === HOLE) this.#placer.refuse(this.pos + 1, AFTER_DOLLAR);
    if (this.#word && next !== '') this.#word.literal = false;
    if (next === '(') {
      this.pos += 2;
      if (this.isContinuation(this.pos)) throw new Lost('a continued line after $(');
      if (this.char === '(') {
        this.pos++;
        this.#arithmetic(false);
      } else {
        const output = this.#commands(true);
        for (const hole of output) this.#placer.judge(hole, this.#word);
      }
    } else if (next === '{') {
      this.pos += 2;
      this.#parameterExpansion(quoted);
    } else if (next === '[') {
      throw new Lost('$[, which only some shells know: write $((...))');
    } else if (next === "'" && !quoted) {
      this.pos++;
      this.#placer.refusing(IN_ANSI_QUOTES, () => this.#singleQuotes());
      if (/[^\\](\\\\)*\\'$/.test(this.code.slice(start, this.pos))) {
        throw new Lost("a backslash before the quote in $'...', which not every shell knows", start);
      }
    } else if (next === '"' && !quoted) {
      this.pos += 2;
      this.#placer.refusing(IN_TRANSLATED_QUOTES, () => this.#doubleQuotes());
    } else {
      const name =
        /^\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9#?$!@*-])/.exec(this.code.slice(start, this.end))?.[0] ?? '$';
      this.pos += name.length;
    }
  }

  /** `${...}` after its opening brace. */
  #parameterExpansion(quoted: boolean): void {
    const start = this.pos - 2;
    if (!this.atEnd && !/[A-Za-z0-9_#!@*?$\0-]/.test(this.char)) throw new Lost(`an unusual \${...}`, start);
    this.#nested(() =>
      this.#placer.refusing(IN_EXPANSION, () => this.#parameterExpansionBody(quoted, start)),
    );
  }

  #parameterExpansionBody(quoted: boolean, start: number): void {
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
        this.#backslash();
      } else if (char === "'") {
        this.#singleQuotes();
      } else if (char === '"') {
        this.pos++;
        this.#doubleQuotes();
      } else if (char === '`') {
        this.#backquotes();
      } else if (char === '$' && !first) {
        this.#dollar(quoted);
      } else if (char === HOLE) {
        this.#hole('double');
      } else {
        if (char === '\n') this.#quotedLineBreak();
        this.pos++;
      }
    }
  }

  /**
   * Arithmetic after `((`, up to and with `))`.
   *
   * @param asCommand a `((` command, which shells without it read as two subshells
   */
  #arithmetic(asCommand: boolean): void {
    const start = this.pos - 2;
    const doubtful = () => new Lost('text after (( that may be a command or arithmetic', start);
    let depth = 0;
    this.#nested(() => {
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
          this.#placer.refusing(IN_ARITHMETIC_COMMAND, () => this.#dollar(true));
        } else if (char === HOLE) {
          this.#hole('arithmetic');
        } else {
          if (char === '\n') this.#quotedLineBreak();
          this.pos++;
        }
      }
    });
  }

  #backquotes(): void {
    const start = this.pos++;
    this.#placer.refusing(IN_BACKQUOTES, () => {
      for (;;) {
        if (this.atEnd) throw new Lost('a backquote that is never closed', start, true);
        const char = this.char;
        if (char === HOLE) {
          this.#hole('bare');
        } else if (char === '\\' && this.nextChar !== '' && this.nextChar !== HOLE) {
          this.pos += 2;
        } else {
          if (char === '\n') this.#quotedLineBreak();
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

  // --- Here-documents ---

  #heredocOperator(tracker: CommandTracker, stripsTabs: boolean, at: number): void {
    const doubtful = () => new Lost('the delimiter of a here-document', at);
    let delimiter = '';
    let quoted = false;
    const start = this.pos;
    while (!this.atEnd && !METACHARACTERS.includes(this.char)) {
      const char = this.char;
      this.pos++;
      if (char === HOLE) {
        this.#placer.refuse(this.pos - 1, AS_HEREDOC_DELIMITER);
        throw doubtful();
      } else if (char === '\\') {
        const next = this.code[this.pos++] ?? '\n';
        if (next === '\n' || next === HOLE) throw doubtful();
        delimiter += next;
        quoted = true;
      } else if (char === "'" || char === '"') {
        const close = this.code.indexOf(char, this.pos);
        const inner = close < 0 ? '\n' : this.code.slice(this.pos, close);
        if (inner.includes(HOLE)) this.#placer.refuse(this.pos + inner.indexOf(HOLE), AS_HEREDOC_DELIMITER);
        if (/[\n\0]/.test(inner) || (char === '"' && /[$`\\]/.test(inner))) throw doubtful();
        delimiter += inner;
        quoted = true;
        this.pos = close + 1;
      } else if (char === '$' || char === '`') {
        throw doubtful();
      } else {
        delimiter += char;
      }
    }
    if (this.pos === start) throw doubtful();
    this.#pending.push({
      delimiter,
      quoted,
      stripsTabs,
      at,
      line: tracker.lineWords,
      enclosed: tracker.words.length === 0 ? [...tracker.allWords] : [],
    });
  }

  /** Reads the bodies of the here-documents of the line that has just ended. */
  #heredocBodies(tracker: CommandTracker): void {
    const heredocs = this.#pending;
    this.#pending = [];
    for (const heredoc of heredocs) {
      const body = findHeredocEnd(this.code, this.pos, this.end, heredoc);
      if (!body) throw new Lost('a here-document without a clear end', heredoc.at);
      this.#placer.refusing(this.#heredocRefusal(heredoc, tracker), () =>
        this.#heredocBody(heredoc, body.end),
      );
      this.pos = body.next;
    }
  }

  #heredocRefusal(heredoc: Heredoc, tracker: CommandTracker): Refusal | undefined {
    const runner =
      runnerOfInput([...heredoc.line, ...heredoc.enclosed]) ??
      tracker.readerOnLine(heredoc.line, heredoc.enclosed.length > 0);
    if (tracker.pipeOpen) return IN_OPEN_PIPE;
    if (runner !== undefined) {
      return {
        place: `inside a here-document on a line with ${printable(runner)}, which runs what it reads as code`,
        instead: 'quote the delimiter and hand the value over in an environment variable or a file',
      };
    }
    return heredoc.quoted ? IN_QUOTED_HEREDOC : undefined;
  }

  #heredocBody(heredoc: Heredoc, bodyEnd: number): void {
    const outerEnd = this.end;
    const outerWord = this.#word;
    this.end = bodyEnd;
    this.#word = undefined;
    try {
      while (!this.atEnd) {
        if (!heredoc.quoted) this.#quotedPart('heredoc');
        else if (this.char === HOLE) this.#hole('heredoc');
        else this.pos++;
      }
    } catch (error) {
      // Not the end of the text: shells disagree whether the construct or the here-document ends first.
      if (error instanceof Lost) throw new Lost(`${error.reason} (in a here-document)`, error.at ?? this.pos);
      throw error;
    }
    this.end = outerEnd;
    this.#word = outerWord;
  }

  // --- Both ---

  #hole(context: PlaceContext): void {
    this.#placer.place(this.pos++, context, this.#word);
  }

  #literal(char: string): void {
    if (this.#word) this.#word.text += char;
  }

  /** A line break that ends no command: some shells start the body of a pending here-document there. */
  #quotedLineBreak(): void {
    if (this.#pending.length > 0) throw new Lost('a line break between a here-document and its body');
  }

  #nested(read: () => void): void {
    if (++this.#depth > MAX_DEPTH) throw new Lost('deep nesting');
    read();
    this.#depth--;
  }
}
