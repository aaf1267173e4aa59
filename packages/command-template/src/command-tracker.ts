import { baseName, type LineWord, PRINTS_ARGUMENTS, runnerOfInput, startsOthers } from './evaluating.js';
import { readerOfInput } from './input-reader.js';
import { Lost } from './lost.js';
import type { Variables } from './variables.js';
import { type Word, withoutPrefixes } from './word.js';

/** The word by which one of some commands runs what it reads as code. */
function readerAmong(commands: readonly (readonly Word[])[]): string | undefined {
  for (const words of commands) {
    const reader = readerOfInput(words);
    if (reader !== undefined) return reader;
  }
  return undefined;
}

type Nesting =
  | { kind: 'subshell' }
  | { kind: 'case'; expects: 'subject' | 'in' | 'pattern' | 'rest of pattern' | 'body' };

const KEEPS_COMMAND_START = new Set(['if', 'then', 'elif', 'else', 'while', 'until', 'do', '{', '!']);
/** After these only an operator or another reserved word can follow. */
const ENDS_COMPOUND = new Set(['fi', 'done', '}']);
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*(\[[^\]]*\])?\+?=/;
const ARITHMETIC_COMPARISON = /^-(eq|ne|lt|le|gt|ge)$/;

/**
 * Follows the words and operators of one command list (the top level, or the inside of one `$(...)`) closely
 * enough to know which `)` belongs to a `case` pattern, where a command starts and what its words are.
 */
export class CommandTracker {
  /** The words of the current simple command, or of the `[[`, without assignments and redirections. */
  words: Word[] = [];
  /** Every word since the last line break, whatever command it belongs to. */
  lineWords: LineWord[] = []; // replaced, never emptied: here-documents keep the list of their line
  /** Every word of the list so far. */
  readonly allWords: LineWord[] = [];
  /** The last operator was `|`, and no word has followed it. */
  pipeOpen = false;
  /** What prints a parameter into the pipe that the next command reads, for a message. */
  private fed: string | undefined;
  /** The same for the parts of a compound command, which may all read it. */
  private fedCompound: string | undefined;
  /** The input of the current command has a parameter in it, by a here-string or a process substitution. */
  private ownInput: string | undefined;
  /** An argument of the current command is a file in which a parameter is. */
  private ownFile: string | undefined;
  /** Every simple command of the list so far, also of the substitutions in it. */
  readonly commands: (readonly Word[])[] = [];
  /** Where in `commands` those of the line begin that has just ended, and of the one that is being read. */
  private endedLine = 0;
  private line = 0;
  /** Commands of the substitutions in the current command: they read what it reads. */
  private substitutedCommands: (readonly Word[])[] = [];
  /** The functions that the list has defined so far, with the commands of their bodies: those between two indexes. */
  private readonly functions = new Map<string, { from: number; to: number }>();
  /** The functions whose bodies in braces are being read, with the braces that are open in them. */
  private bodies: { name: string; depth: number }[] = [];
  /** What printed a parameter in any command so far. */
  private printedBefore: string | undefined;
  /** The placeholders that the list prints, not into a pipe: its output is their value. */
  readonly output: number[] = [];
  /** A reserved word would be recognized here. */
  atCommandStart = true;
  private nesting: Nesting[] = [];
  /** Open parentheses inside `[[ ]]`; undefined outside. */
  private conditionDepth: number | undefined;
  /** `for`, `select` or `function` whose head is being read, and how many words of it have been. */
  private head: { keyword: 'for' | 'function'; words: number } | undefined;

  /** Since the last operator there was a reserved word that dash takes for a command, and bash does not. */
  private afterBashWord = false;

  /** The list of words that was looked through, how far, and where the first word that starts others is. */
  private looked: { words: readonly Word[]; to: number; first: number | undefined } = {
    words: this.words,
    to: 0,
    first: undefined,
  };

  constructor(
    private readonly onArithmeticOperand: (hole: number) => void,
    private readonly variables: Variables,
  ) {}

  get inCondition(): boolean {
    return this.conditionDepth !== undefined;
  }

  /** `((` starts arithmetic here, in the shells that know it. */
  get mayStartArithmetic(): boolean {
    if (this.head?.keyword === 'for') return this.head.words === 0;
    return this.atCommandStart && !this.inCondition && !this.caseExpectsWord;
  }

  /** Whether anything is still open that should have been closed by the end of the list. */
  get openConstruct(): string | undefined {
    if (this.inCondition) return '[[ without ]]';
    const top = this.nesting.at(-1);
    if (!top) return undefined;
    return top.kind === 'case' ? 'case without esac' : 'a parenthesis without its closing one';
  }

  /** A complete word that is not the target of a redirection. */
  word(word: Word): void {
    const isCommand = this.words.length === 0 || this.startsOthersBefore(this.words.length);
    const lineWord = { text: word.text, isCommand };
    this.lineWords.push(lineWord);
    this.allWords.push(lineWord);
    this.pipeOpen = false;
    if (this.inCondition) {
      this.conditionWord(word);
      return;
    }
    const top = this.nesting.at(-1);
    if (top?.kind === 'case' && top.expects !== 'body') {
      this.caseWord(top, word);
      return;
    }
    if (this.atCommandStart && word.plain && this.reservedWord(word.text)) {
      if (!/^(!|time|fi|done|\}|esac)$/.test(word.text)) this.fedCompound ??= this.fed;
      return;
    }
    // The option of the word `time`, which no command's name begins with.
    if (this.afterBashWord && this.words.length === 0 && /^--?p?$/.test(word.text)) return;
    if (this.head) {
      this.headWord(this.head, word);
      return;
    }
    this.atCommandStart = false;
    if (ASSIGNMENT.test(word.text)) {
      const declared = this.words.length > 0;
      this.variables.assignment(word, declared && !word.isList);
      if (!declared) return;
    }
    const name = this.words[0]?.text;
    if (name === '[' || name === 'test') this.comparison(word);
    this.words.push(word);
  }

  /** Whether one of the command's words before an index starts other commands. Each word is looked at once. */
  private startsOthersBefore(index: number): boolean {
    if (this.looked.words !== this.words) this.looked = { words: this.words, to: 0, first: undefined };
    const looked = this.looked;
    while (looked.first === undefined && looked.to < this.words.length) {
      if (startsOthers(this.words[looked.to]?.text ?? '')) looked.first = looked.to;
      looked.to++;
    }
    return looked.first !== undefined && looked.first < index;
  }

  /** A redirection's operator: a reserved word is no longer recognized after it. */
  redirection(): void {
    if (this.caseExpectsWord) throw new Lost('a redirection inside the head of a case');
    this.atCommandStart = false;
  }

  /** One of the operators `;` `;;` `;&` `;;&` `&` `&&` `|` `||` `|&`. */
  operator(operator: string): void {
    this.afterBashWord = false;
    if (this.inCondition) {
      if (operator === '&&' || operator === '||' || operator === '|') return;
      throw new Lost(`the operator ${operator} inside [[ ]]`);
    }
    const top = this.nesting.at(-1);
    if (top?.kind === 'case' && top.expects !== 'body') {
      if (operator === '|' && top.expects === 'rest of pattern') return;
      throw new Lost(`the operator ${operator} inside the head of a case`);
    }
    if (operator.startsWith(';') && operator !== ';') {
      if (top?.kind !== 'case') throw new Lost(`${operator} outside a case`);
      top.expects = 'pattern';
    }
    const isPipe = operator === '|' || operator === '|&';
    const hasHoles = this.words.some(({ holes }) => holes.length > 0);
    const printed =
      // Of a compound command any part may have printed it.
      (this.words.length === 0 ? this.printedBefore : this.printed()) ??
      this.ownInput ??
      // Messages name the command.
      (operator === '|&' && hasHoles ? 'a complaint' : undefined) ??
      this.fed;
    this.endCommand(isPipe);
    this.pipeOpen = isPipe;
    this.fed = isPipe ? printed : undefined;
  }

  /** The command's input, or a file among its arguments, has a parameter in it. */
  feed(printer: string, asFile: boolean): void {
    if (asFile) {
      this.ownFile = printer;
      return;
    }
    this.ownInput = printer;
    // Behind a compound command it is the input of all its parts.
    if (this.words.length === 0) this.forbidFeeding(printer, readerAmong(this.commands));
  }

  /** The commands of a substitution in the word that is being read, or of the word's process substitution. */
  substituted(commands: readonly (readonly Word[])[]): void {
    this.commands.push(...commands);
    this.substitutedCommands.push(...commands);
  }

  /**
   * The word by which a command on the line that has just ended runs what it reads as code, also in the function that it calls.
   * @param behindCompound what is read is the input of a compound command, so of any command before.
   */
  readerOnLine(line: readonly LineWord[], behindCompound: boolean): string | undefined {
    const reader = readerAmong(behindCompound ? this.commands : this.commands.slice(this.endedLine));
    if (reader !== undefined) return reader;
    for (const { text, isCommand } of line) {
      const inFunction = isCommand ? this.readerInFunction(text) : undefined;
      if (inFunction !== undefined) return inFunction;
    }
    return undefined;
  }

  private readerInFunction(name: string): string | undefined {
    const body = this.functions.get(name);
    return body && readerAmong(this.commands.slice(body.from, body.to));
  }

  private forbidFeeding(printer: string | undefined, reader: string | undefined): void {
    if (reader !== undefined)
      this.variables.forbid(`${printer} feeds a parameter to ${reader}, which runs it as code`);
  }

  private defineFunction(name: string): void {
    this.functions.set(name, { from: this.commands.length, to: Number.POSITIVE_INFINITY });
    this.bodies.push({ name, depth: 0 });
  }

  /** A brace that is a reserved word; the body of a function ends with its last one. */
  private brace(by: 1 | -1): void {
    for (const body of this.bodies) body.depth += by;
    const ended = this.bodies.filter(({ depth }) => depth <= 0 && by < 0);
    for (const { name } of ended) {
      const function_ = this.functions.get(name);
      if (function_) function_.to = this.commands.length;
    }
    this.bodies = this.bodies.filter((body) => !ended.includes(body));
  }

  /** Whether the command that has been read prints a parameter's value as it is, and by what. */
  private printed(): string | undefined {
    // A function prints what is printed in its body.
    if (this.functions.has(this.words[0]?.text ?? '')) return this.printedBefore;
    if (!this.words.some(({ holes }) => holes.length > 0)) return undefined;
    const printer = this.words.find(({ text, literal }, index) => {
      const isCommand = index === 0 || this.startsOthersBefore(index);
      return literal && isCommand && PRINTS_ARGUMENTS.has(baseName(text));
    });
    if (printer) return printer.text;
    const [first] = withoutPrefixes(this.words);
    // `command -v name` and `env name=value` print them.
    if (first === undefined || this.words[0]?.text === 'command') return this.words[0]?.text;
    if (baseName(first.text) === 'env' && /^$|=/.test(this.words.at(-1)?.text ?? '')) return 'env';
    return undefined;
  }

  lineBreak(): void {
    this.lineWords = [];
    this.afterBashWord = false;
    if (this.inCondition || this.caseExpectsWord) return;
    this.endCommand();
    if (!this.pipeOpen) this.fed = undefined;
    this.endedLine = this.line;
    this.line = this.commands.length;
  }

  /** A `(` that is neither arithmetic nor a part of a word. */
  openParenthesis(): void {
    const top = this.nesting.at(-1);
    if (this.conditionDepth !== undefined) {
      this.conditionDepth++;
    } else if (top?.kind === 'case' && top.expects === 'pattern') {
      top.expects = 'rest of pattern';
    } else if (this.atCommandStart && !this.caseExpectsWord) {
      this.nesting.push({ kind: 'subshell' });
      this.fedCompound ??= this.fed;
    } else {
      throw new Lost('an opening parenthesis');
    }
  }

  /** A `)`. Answers whether it closes the whole list. */
  closeParenthesis(): boolean {
    if (this.conditionDepth !== undefined) {
      if (this.conditionDepth === 0) throw new Lost('a closing parenthesis inside [[ ]]');
      this.conditionDepth--;
      return false;
    }
    const top = this.nesting.at(-1);
    if (!top) return true;
    if (top.kind === 'subshell') {
      this.nesting.pop();
      this.endCommand();
      return false;
    }
    if (top.expects !== 'rest of pattern') throw new Lost('a closing parenthesis inside a case');
    top.expects = 'body';
    this.endCommand();
    return false;
  }

  /** What follows is a command: after `name()`, `((...))` and `for ((...))`. */
  startCommand(): void {
    const [name] = this.words;
    const definesFunction = name && this.words.length === 1;
    this.endCommand();
    if (definesFunction) this.defineFunction(name.text);
  }

  private get caseExpectsWord(): boolean {
    const top = this.nesting.at(-1);
    return top?.kind === 'case' && top.expects !== 'body';
  }

  /** @param intoPipe what the command prints goes to the next one */
  private endCommand(intoPipe = false): void {
    if (this.words.length > 0) this.command(this.words, intoPipe);
    else if (this.substitutedCommands.length > 0)
      this.forbidFeeding(this.fed ?? this.fedCompound, readerAmong(this.substitutedCommands));
    this.words = [];
    this.substitutedCommands = [];
    this.ownInput = this.ownFile = undefined;
    this.atCommandStart = true;
    this.head = undefined;
  }

  private command(words: Word[], intoPipe: boolean): void {
    this.variables.command(words);
    const printer = this.printed();
    this.printedBefore ??= printer ?? this.ownInput;
    if (printer !== undefined && !intoPipe) this.output.push(...words.flatMap(({ holes }) => holes));
    const inherited = this.fed ?? this.fedCompound;
    const fed = this.ownInput ?? inherited;
    this.fed = undefined;
    if (fed !== undefined)
      this.forbidFeeding(fed, readerOfInput(words) ?? this.readerInFunction(words[0]?.text ?? ''));
    // What stands in $(...) is run before the command's own input is opened.
    if (inherited !== undefined) this.forbidFeeding(inherited, readerAmong(this.substitutedCommands));
    if (this.ownFile !== undefined)
      this.forbidFeeding(this.ownFile, runnerOfInput(words.map(({ text }) => ({ text, isCommand: true }))));
    this.commands.push(words);
  }

  /** The list has come to its end. */
  finish(): void {
    this.endCommand();
  }

  private conditionWord(word: Word): void {
    if (word.plain && word.text === ']]') {
      if (this.conditionDepth !== 0) throw new Lost('a parenthesis inside [[ ]]');
      this.conditionDepth = undefined;
      this.endCommand();
      return;
    }
    this.comparison(word);
    this.words.push(word);
  }

  private comparison(word: Word): void {
    if (!word.literal || !ARITHMETIC_COMPARISON.test(word.text)) return;
    for (const hole of this.words.at(-1)?.holes ?? []) this.onArithmeticOperand(hole);
  }

  private caseWord(top: Extract<Nesting, { kind: 'case' }>, word: Word): void {
    if (top.expects === 'subject') {
      top.expects = 'in';
    } else if (top.expects === 'in') {
      if (!word.plain || word.text !== 'in') throw new Lost('case without in');
      top.expects = 'pattern';
    } else if (word.plain && word.text === 'esac') {
      if (top.expects !== 'pattern') throw new Lost('esac as a pattern of a case');
      this.nesting.pop();
      this.endCommand();
    } else {
      top.expects = 'rest of pattern';
    }
  }

  private reservedWord(text: string): boolean {
    if (KEEPS_COMMAND_START.has(text)) {
      if (text === '{') this.brace(1);
      return true;
    }
    if (ENDS_COMPOUND.has(text)) {
      this.endCommand();
      if (text === '}') this.brace(-1);
      return true;
    }
    switch (text) {
      case 'case':
        // Where case is no reserved word, the ) of its patterns closes what is around it.
        if (this.afterBashWord) throw new Lost('case after a word that only some shells know');
        this.nesting.push({ kind: 'case', expects: 'subject' });
        return true;
      case 'esac': {
        if (this.nesting.at(-1)?.kind !== 'case') throw new Lost('esac without case');
        this.nesting.pop();
        this.endCommand();
        return true;
      }
      case '[[':
        this.conditionDepth = 0;
        this.atCommandStart = false;
        return false;
      case 'time':
        this.afterBashWord = true;
        return true;
      case 'for':
      case 'select':
        this.afterBashWord ||= text === 'select';
        this.head = { keyword: 'for', words: 0 };
        this.atCommandStart = false;
        return true;
      case 'function':
        this.afterBashWord = true;
        this.head = { keyword: 'function', words: 0 };
        this.atCommandStart = false;
        return true;
      case 'coproc':
        throw new Lost('coproc');
      default:
        return false;
    }
  }

  private headWord(head: { keyword: 'for' | 'function'; words: number }, word: Word): void {
    head.words++;
    if (head.keyword === 'for' && head.words === 1) this.variables.loop(word);
    if (head.keyword === 'function') this.defineFunction(word.text);
    const complete = head.keyword === 'function' || (head.words === 2 && word.plain && word.text === 'do');
    if (complete) this.endCommand();
  }
}
