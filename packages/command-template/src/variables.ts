import {
  baseName,
  CODE_VARIABLES,
  COUNTS_WITH_ARGUMENTS,
  DECLARES,
  INTEGER_VARIABLES,
  isShellName,
  RUNS_ARGUMENTS,
} from './evaluating.js';
import { type Word, withoutPrefixes } from './word.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const SETS_NAMED_VARIABLES = new Set(['read', 'mapfile', 'readarray', 'getopts', 'vared']);

/**
 * How a text uses its variables, in all its lines: a value that is assigned to a variable is evaluated as arithmetic if
 * another line declares the variable as an integer.
 */
export class Variables {
  private readonly integers = new Set<string>();
  private readonly arrays = new Set<string>();
  /** A name is not written out, so that it may be any. */
  private anyInteger = false;
  private readonly assigned: { name: string; holes: readonly number[]; declared: boolean }[] = [];
  /** Set from text that the shell reads, not by an assignment in the text. */
  private readonly setFromInput = new Set<string>();
  private forbidden: string | undefined;
  /** A shell is started that reads $ENV, of which it expands the value. */
  private startsInteractive = false;
  /** `set -k`: `name=value` is an assignment wherever among the words of a command it stands. */
  private assignsAnywhere = false;

  /** A complete `name=value`, in front of a command or as an argument of one that declares. */
  assignment(word: Word, declared: boolean): void {
    const name = NAME.exec(word.text)?.[0];
    if (name === undefined) return;
    // An element of it, or all of them, are given: it is an array from then on, as if it were declared one.
    if (word.isList || word.text[name.length] === '[') this.arrays.add(name);
    if (word.holes.length > 0) this.assigned.push({ name, holes: word.holes, declared });
  }

  /** The variable of a `for` or `select`. */
  loop(word: Word): void {
    this.setFromInput.add(word.text);
  }

  /** @param reason why no value can be kept literal anywhere in the text */
  forbid(reason: string): void {
    this.forbidden ??= reason;
  }

  /** A complete simple command. */
  command(before: readonly Word[]): void {
    const words = withoutPrefixes(before);
    const command = words[0]?.text ?? '';
    const rest = words.slice(1);
    if (DECLARES.has(command)) this.declared(command, rest);
    else if (SETS_NAMED_VARIABLES.has(command)) this.setFrom(command, rest);
    else if (command === 'printf' || command === 'print') this.printed(rest);
    else if (command === 'set' || command === 'shopt') this.options(rest);
    else if (command === 'alias') for (const word of rest) this.alias(word);
    const shell = words.findIndex(({ text }) => isShellName(text));
    if (shell >= 0 && words.slice(shell).some(({ text }) => /^-[A-Za-z]*i/.test(text)))
      this.startsInteractive = true;
  }

  /**
   * Values that turn out to be integers, by their holes; declared ones that are arrays; and why no parameter may be
   * used at all.
   */
  outcome(): { integers: number[]; arrays: number[]; forbidden: string | undefined } {
    const isInteger = (name: string) => this.anyInteger || this.integers.has(name);
    for (const name of this.setFromInput) {
      if (isInteger(name) || INTEGER_VARIABLES.has(name) || CODE_VARIABLES.has(name))
        this.forbidden ??= `text is read into the variable ${name}, which the shell counts with or runs`;
    }
    if (this.startsInteractive && this.assigned.some(({ name }) => name === 'ENV'))
      this.forbidden ??= 'ENV has it, which an interactive shell expands once more';
    const holesOf = (wanted: (one: { name: string; declared: boolean }) => boolean) =>
      this.assigned.filter(wanted).flatMap(({ holes }) => holes);
    return {
      integers: holesOf(
        ({ name }) => isInteger(name) || (this.assignsAnywhere && INTEGER_VARIABLES.has(name)),
      ),
      arrays: holesOf(({ name, declared }) => declared && this.arrays.has(name)),
      forbidden: this.forbidden,
    };
  }

  private declared(command: string, rest: readonly Word[]): void {
    const options = rest.filter(({ text }) => text.startsWith('-')).map(({ text }) => text);
    const has = (letters: RegExp) => options.some((option) => letters.test(option));
    const integers = command === 'integer' || command === 'float' || has(/[iEFX]/);
    if (command === 'nameref' || has(/n/)) this.anyInteger ||= command !== 'export';
    for (const { text, literal } of rest) {
      if (/^[-+]/.test(text)) continue;
      const name = NAME.exec(text)?.[0];
      if (name === undefined && !literal && integers) this.anyInteger = true;
      if (name === undefined) continue;
      if (integers) this.integers.add(name);
      if (has(/[aA]/) || text[name.length] === '[') this.arrays.add(name);
    }
  }

  private setFrom(command: string, rest: readonly Word[]): void {
    const isArray =
      command !== 'getopts' && (command !== 'read' || rest.some(({ text }) => /^-\w*[aA]/.test(text)));
    for (const { text } of rest) {
      this.setFromInput.add(text);
      const name = NAME.exec(text)?.[0];
      if (name !== undefined && (isArray || text[name.length] === '[')) this.arrays.add(name);
    }
  }

  private options(rest: readonly Word[]): void {
    for (const [index, { text }] of rest.entries())
      if (/^[-+][A-Za-z]*A$/.test(text)) this.arrays.add(rest[index + 1]?.text ?? '');
    // An option that is not written out may be this one.
    this.assignsAnywhere ||= rest.some(
      ({ text, literal }, index) =>
        text === 'keyword' || /^-[a-z]*k/.test(text) || (index === 0 && !literal && text === ''),
    );
  }

  private printed(rest: readonly Word[]): void {
    for (const [index, { text }] of rest.entries()) {
      if (text === '-v') this.setFromInput.add(rest[index + 1]?.text ?? '');
      else if (text.startsWith('-v')) this.setFromInput.add(text.slice(2));
    }
  }

  private alias({ text, literal }: Word): void {
    const value = text.slice(text.indexOf('=') + 1).trim();
    const special = (word: string) =>
      [RUNS_ARGUMENTS, COUNTS_WITH_ARGUMENTS, DECLARES, SETS_NAMED_VARIABLES].some((set) => set.has(word)) ||
      isShellName(word) ||
      /^(command|builtin|exec|\.|source|unset|test|\[|\[\[|printf|print|wait|env|xargs|flock|script|su|runuser|sg|watch|parallel)$/.test(
        baseName(word),
      );
    // A word further on may be the command: behind assignments, redirections, and commands that start others.
    const harmless = literal && !/[$`;&|(<>'"\\]/.test(value) && !value.split(/\s+/).some(special);
    if (!harmless) this.forbidden ??= 'an alias makes another word mean a command that may run its arguments';
  }
}
