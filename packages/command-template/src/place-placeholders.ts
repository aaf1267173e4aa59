import { type ArgumentRule, argumentRule, bracesMoveArguments, DATA, INTEGER } from './argument-rule.js';
import { METACHARACTERS } from './code-reader.js';
import { CommandTracker } from './command-tracker.js';
import { type LineWord, runnerOfInput } from './evaluating.js';
import { HeredocReader } from './heredoc-reader.js';
import { Lost } from './lost.js';
import type { OpenWord, Placement } from './placer.js';
import { BESIDE_BRACES, IN_ARRAY_VALUE } from './refusals.js';
import { HOLE, type ScannedTemplate } from './scan-placeholders.js';
import { printable } from './template-error.js';
import { Variables } from './variables.js';
import type { Word } from './word.js';

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

/** Reads command lists and the words of their commands. */
class ShellLexer extends HeredocReader {
  private readonly variables = new Variables();
  /** Of the list of commands being read. */
  private tracker: CommandTracker | undefined;

  run(): Map<number, Placement> {
    try {
      this.commands(false);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      this.placer.refuseRest(error, error.at ?? this.pos);
    }
    const { integers, arrays, forbidden } = this.variables.outcome();
    for (const hole of integers) this.placer.requireInteger(hole);
    for (const hole of arrays) this.placer.refuse(hole, IN_ARRAY_VALUE);
    if (forbidden !== undefined) this.placer.refuseAll(forbidden);
    return this.placer.placements;
  }

  protected override commands(inParentheses: boolean): readonly number[] {
    let output: readonly number[] = [];
    this.nested(() => {
      const start = this.pos;
      const tracker = new CommandTracker((hole) => this.placer.requireInteger(hole), this.variables);
      const outerTracker = this.tracker;
      this.tracker = tracker;
      const outerWord = this.openWord;
      const outerPending = this.pending.length;
      this.openWord = undefined;
      for (;;) {
        this.skipBlanks();
        if (this.atEnd) {
          if (inParentheses) throw new Lost('$( without its )', start, true);
          const open = tracker.openConstruct ?? (this.pending.length > 0 ? 'a here-document' : undefined);
          if (open) throw new Lost(open, this.pos, true);
          break;
        }
        const char = this.char;
        if (char === '\n') {
          if (outerPending > 0) throw new Lost('a line break between a here-document and its body');
          this.pos++;
          tracker.lineBreak();
          this.heredocBodies(tracker);
        } else if (char === '#') {
          this.comment();
        } else if (char === ')') {
          this.pos++;
          if (tracker.closeParenthesis()) {
            if (!inParentheses) throw new Lost('a closing parenthesis', this.pos - 1);
            if (this.pending.length > outerPending) throw new Lost('a here-document without its body');
            break;
          }
        } else if (char === '(') {
          this.parenthesis(tracker);
        } else if (char === '<' || char === '>') {
          this.redirection(tracker);
        } else if (';&|'.includes(char)) {
          this.operator(tracker);
        } else {
          const word = this.commandWord(tracker);
          if (!this.isDescriptor(word)) tracker.word(word);
        }
      }
      tracker.finish();
      output = tracker.output;
      this.tracker = outerTracker;
      outerTracker?.substituted(tracker.commands);
      this.openWord = outerWord;
    });
    return output;
  }

  /** Whether a word is the number in front of a redirection, `2` in `2>&1`, and not a word of the command. */
  private isDescriptor(word: Word): boolean {
    if (!word.plain || (this.char !== '<' && this.char !== '>')) return false;
    if (this.accepted) return /^\d+$/.test(word.text);
    if (/^\{\w+\}$/.test(word.text))
      throw new Lost('a variable for a file descriptor, which only some shells know');
    if (!/^\d+$/.test(word.text)) return false;
    if (this.atProcessSubstitution) throw new Lost('a number in front of a process substitution');
    return true;
  }

  private parenthesis(tracker: CommandTracker): void {
    const doubled = this.nextChar === '(';
    if (this.isContinuation(this.pos + 1)) throw new Lost('a continued line after a parenthesis');
    if (doubled && tracker.mayStartArithmetic) {
      this.pos += 2;
      this.arithmetic(true);
      tracker.startCommand();
    } else if (tracker.words.length === 1 && tracker.words[0]?.literal && this.functionParentheses()) {
      tracker.startCommand();
    } else {
      tracker.openParenthesis();
      this.pos++;
    }
  }

  /** Consumes the `()` of a function's definition. */
  private functionParentheses(): boolean {
    const match = /^\([ \t]*\)/.exec(this.code.slice(this.pos, this.pos + 20));
    if (!match) return false;
    this.pos += match[0].length;
    return true;
  }

  private operator(tracker: CommandTracker): void {
    const rest = this.code.slice(this.pos, this.pos + 3);
    const operator = /^(;;&|;;|;&|;|&&|&|\|\||\|&|\|)/.exec(rest)?.[0] ?? rest;
    this.pos += operator.length;
    this.refuseSplitOperator();
    if (operator === '&' && this.char === '>') return; // bash: both outputs; elsewhere: the command ends
    tracker.operator(operator);
  }

  private redirection(tracker: CommandTracker): void {
    const rest = this.code.slice(this.pos, this.pos + 3);
    if (this.atProcessSubstitution) {
      tracker.word(this.commandWord(tracker));
      return;
    }
    if (tracker.inCondition && !rest.startsWith('<<')) {
      this.pos++;
      return;
    }
    const operator = /^(<<<|<<-|<<|<&|<>|<|>>|>&|>\||>)/.exec(rest)?.[0] ?? rest;
    const at = this.pos;
    this.pos += operator.length;
    this.refuseSplitOperator();
    tracker.redirection();
    this.skipBlanks();
    if (this.char === '#') throw new Lost('a # after a redirection');
    if (operator === '<<' || operator === '<<-') {
      this.heredocOperator(tracker, operator === '<<-', at);
    } else if (!this.atEnd && (!METACHARACTERS.includes(this.char) || this.atProcessSubstitution)) {
      const { holes } = this.readWord(() => this.redirectionRule(operator, tracker));
      if (holes.length > 0 && operator === '<<<') tracker.feed('a here-string', false);
      if (holes.length > 0 && operator === '<') tracker.feed('a process substitution', false);
    }
  }

  private redirectionRule(operator: string, tracker: CommandTracker): ArgumentRule {
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
  private refuseSplitOperator(): void {
    if (!this.isContinuation(this.pos)) return;
    if (/^(\\\n)+[;&|<>(-]/.test(this.code.slice(this.pos))) {
      throw new Lost('an operator continued on the next line');
    }
  }

  private commandWord(tracker: CommandTracker): Word {
    const before = tracker.words;
    const word = this.readWord((prefix) => argumentRule(before, prefix), tracker);
    if (word.holes.length > 0 && bracesMoveArguments(before, word))
      for (const hole of word.holes) this.placer.refuse(hole, BESIDE_BRACES);
    return word;
  }

  private readWord(rule: (prefix: string) => ArgumentRule, tracker?: CommandTracker): Word {
    const start = this.pos;
    const word: OpenWord = { text: '', plain: true, literal: true, openBrackets: 0, holes: [], rule };
    this.openWord = word;
    while (!this.atEnd) {
      const char = this.char;
      if (this.pos === start && this.atProcessSubstitution) {
        word.plain = word.literal = false;
        this.pos += 2;
        const output = this.commands(true);
        if (output.length > 0) {
          if (tracker) tracker.feed('a process substitution', true);
          else word.holes.push(...output);
        }
      } else if (char === '(' && tracker && /^[A-Za-z_]\w*\+?=$/.test(this.code.slice(start, this.pos))) {
        this.pos++;
        this.arrayElements(argumentRule(tracker.words, word.text, true), word.holes);
        word.plain = word.literal = false;
        word.isList = true;
        break;
      } else if (char === '(' && this.pos > start && '?*+@!'.includes(this.code[this.pos - 1] ?? '')) {
        throw new Lost('an extended pattern');
      } else if (METACHARACTERS.includes(char)) {
        break;
      } else {
        this.wordPart(word, char);
      }
    }
    this.openWord = undefined;
    if (word.openBrackets > 0 && /^[A-Za-z_][A-Za-z0-9_]*\[/.test(this.code.slice(start, this.pos))) {
      throw new Lost('an index in brackets that are not closed in the same word', start);
    }
    return word;
  }

  private wordPart(word: Word, char: string): void {
    switch (char) {
      case "'":
        word.plain = false;
        this.singleQuotes();
        return;
      case '"':
        word.plain = false;
        this.pos++;
        this.doubleQuotes();
        return;
      case '\\':
        word.plain &&= this.isContinuation(this.pos);
        this.backslash();
        return;
      case '$':
        word.plain = false;
        this.dollar(false);
        return;
      case '`':
        word.plain = word.literal = false;
        this.backquotes();
        return;
      case HOLE:
        word.plain = word.literal = false;
        this.hole('bare');
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
  private arrayElements(rule: ArgumentRule, holes: number[]): void {
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
        this.quotedLineBreak();
        this.pos++;
      } else if (char === '#') {
        this.comment();
      } else if (METACHARACTERS.includes(char) && !this.atProcessSubstitution) {
        throw new Lost('an operator among array elements');
      } else {
        const at = this.pos;
        const element = this.readWord(() => rule);
        holes.push(...element.holes);
        if (element.openBrackets > 0 && this.code[at] === '[') {
          throw new Lost('an index in brackets that are not closed in the same word', at);
        }
      }
    }
  }

  private comment(): void {
    while (!this.atEnd && this.char !== '\n') {
      if (this.char === HOLE) this.placer.comment(this.pos);
      this.pos++;
    }
  }
}
