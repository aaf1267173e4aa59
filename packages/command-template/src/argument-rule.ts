import type { Word } from './command-tracker.js';
import {
  baseName,
  CODE_OPTIONS,
  CODE_VARIABLES,
  COUNTS_WITH_ARGUMENTS,
  DECLARES,
  INTEGER_VARIABLES,
  isShellName,
  RUNS_ARGUMENTS,
  RUNS_ARGUMENTS_BY_SHELL,
  TAKES_VARIABLE_NAMES,
} from './evaluating.js';

/**
 * The values that an argument of a command may take: any data, only an integer (the shell evaluates the argument as
 * arithmetic, which in bash can run commands), or no parameter at all.
 */
export type ArgumentRule = { kind: 'data' } | { kind: 'integer' } | ({ kind: 'refused' } & Refusal);

/** Why no parameter may stand in a place. */
export interface Refusal {
  /** The place, to follow `stands`. */
  readonly place: string;
  /** What to write instead; `NAME` stands for the parameter's name. */
  readonly instead: string;
}

export const DATA: ArgumentRule = { kind: 'data' };
export const INTEGER: ArgumentRule = { kind: 'integer' };

/** `name=`, `name+=` or `name[index]=` at the beginning of a word, and the name. */
const ASSIGNS = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=/;

/**
 * The rule for the word that follows `before` in one command. It depends on how the shell, or a program that is known
 * to run its arguments, uses the word. Programs on other hosts or with their own languages (ssh, awk) cannot be judged
 * by the shell's syntax.
 *
 * @param before the command's words so far, without redirections and the assignments in front
 * @param prefix the text of the word up to the parameter
 * @param inList the parameter stands in an element of `name=(...)`, which the shell reads as it stands
 */
export function argumentRule(before: readonly Word[], prefix: string, inList = false): ArgumentRule {
  const assigned = ASSIGNS.exec(prefix)?.[1] ?? '';
  if (CODE_VARIABLES.has(assigned)) {
    return refused(
      `in the value of ${assigned}, which the shell runs or expands once more`,
      'use another variable, or write the value',
    );
  }
  const isAssignment = before.length === 0;
  if (isAssignment && assigned !== '') return INTEGER_VARIABLES.has(assigned) ? INTEGER : DATA;
  return (
    shellCode(before, prefix) ??
    codeOption(before, prefix) ??
    builtinRule(before, prefix, { assigned, inList })
  );
}

function builtinRule(
  before: readonly Word[],
  prefix: string,
  { assigned, inList }: { assigned: string; inList: boolean },
): ArgumentRule {
  const words = withoutPrefixes(before);
  const [first] = words;
  if (first === undefined) return DATA;
  const command = first.text;
  // A pattern of braces becomes several words, the first of which is the command.
  if ((!first.literal && !command.includes('/')) || (first.plain && /\{.*(,|\.\.).*\}/.test(command))) {
    return refused(
      'behind a command whose name is not written out, so that it may be one that runs its arguments',
      'write the command by its name, or env in front of it, which starts programs and nothing of the shell',
    );
  }
  const rest = words.slice(1);
  const previous = rest.at(-1)?.text ?? '';
  if (RUNS_ARGUMENTS.has(command)) {
    return refused(
      `in an argument of ${command}, which runs it as code`,
      'assign it first (value={{NAME}}) and let the code use $value in double quotes',
    );
  }
  if (RUNS_ARGUMENTS_BY_SHELL.has(baseName(command))) {
    return refused(
      `in an argument of ${baseName(command)}, which runs its arguments by a shell`,
      'hand the value over in an environment variable: export value={{NAME}}',
    );
  }
  if (COUNTS_WITH_ARGUMENTS.has(command)) return INTEGER;
  if (command === '[' || command === '[[' || command === 'test') return testOperand(previous);
  if (DECLARES.has(command)) return declaredValue(command, rest, assigned, inList);
  if (command === 'printf' || command === 'print') return printedValue(command, rest, prefix);
  if (command === 'read') return readOperand(previous, prefix);
  if (command === 'mapfile' || command === 'readarray') return mapfileOperand(command, previous, prefix);
  if (
    TAKES_VARIABLE_NAMES.has(command) ||
    (command === 'wait' && /^-[A-Za-z]*p/.test(`${previous} ${prefix}`))
  )
    return nameRefused(command);
  return DATA;
}

/**
 * The command's words without those that only say how to find the command: `command -p`, `builtin --`, `exec -a name`.
 * If the end of an option is not clear, the words stay, so that a later word does not pass for the command.
 */
export function withoutPrefixes(before: readonly Word[]): readonly Word[] {
  let words = before;
  for (;;) {
    const prefix = words[0]?.text ?? '';
    if (!/^(command|builtin|exec|noglob|nocorrect|-)$/.test(prefix) || !words[0]?.literal) return words;
    let index = 1;
    for (; /^-./.test(words[index]?.text ?? ''); index++) {
      const option = words[index]?.text ?? '';
      if (option === '--') {
        index++;
        break;
      }
      if (prefix === 'exec' && /^-[A-Za-z]*a$/.test(option)) index++;
    }
    if (words.length <= index) return words.slice(index);
    words = words.slice(index);
  }
}

/** Commands of the shells for which it matters at which place an argument stands. */
const PLACE_MATTERS = new Set([
  ...['[', 'test', 'printf', 'print', 'read', 'mapfile', 'readarray', 'wait', 'unset', 'getopts', 'vared'],
  ...['find', 'xargs', 'parallel', 'watch'],
  ...DECLARES,
]);

const BRACE_PATTERN = /\{.*(,|\.\.).*\}/;

/**
 * Whether a pattern of braces in a word or before it may put what stands in the word where the command reads it as something
 * else: `[ {1,-eq} {{p}} ]`, `read -d {a,{{p}}}`, `sudo {sh,-c,{{p}}}`. In the arguments of other commands it stays data:
 * `cp {{p}}{,.bak}`.
 */
export function bracesMoveArguments(before: readonly Word[], word: Word): boolean {
  const isPattern = ({ braces, text }: Word): boolean => braces === true && BRACE_PATTERN.test(text);
  if (![...before, word].some(isPattern) || (before.length === 0 && ASSIGNS.test(word.text))) return false;
  const [command] = withoutPrefixes(before);
  // The pattern makes the command itself.
  if (!command || PLACE_MATTERS.has(command.text)) return true;
  const texts = [...before, word].flatMap((one) => (isPattern(one) ? one.text.split(/[{},]/) : [one.text]));
  return texts.some((text) => {
    const name = baseName(text);
    return isShellName(text) || name in CODE_OPTIONS || RUNS_ARGUMENTS.has(name);
  });
}

function testOperand(previous: string): ArgumentRule {
  if (/^-(eq|ne|lt|le|gt|ge|t)$/.test(previous)) return INTEGER;
  if (previous === '-v' || previous === '-R') return nameRefused(previous);
  return DATA;
}

function declaredValue(
  command: string,
  rest: readonly Word[],
  assigned: string,
  inList: boolean,
): ArgumentRule {
  if (assigned === '') return nameRefused(command, `write the name: ${command} name={{NAME}}`);
  const options = rest.filter(({ text }) => /^[-+]/.test(text)).map(({ text }) => text);
  const has = (letters: RegExp) => options.some((option) => /^-/.test(option) && letters.test(option));
  if (command === 'nameref' || has(/n/))
    return nameRefused(`${command}, as another name of which it is declared,`);
  const unclear = rest.some(({ text, literal }) => !literal && !ASSIGNS.test(text));
  if (!inList && (has(/[aA]/) || unclear)) {
    return refused(
      `in a value that ${command} may read as a list of array elements, and expand once more`,
      'assign it in a command of its own: name={{NAME}}, or name=({{NAME}}) for an element',
    );
  }
  if (command === 'integer' || command === 'float' || has(/[iEFX]/)) return INTEGER;
  return INTEGER_VARIABLES.has(assigned) ? INTEGER : DATA;
}

/** ksh and zsh evaluate what `%d` and the like print as arithmetic. */
function printedValue(command: string, rest: readonly Word[], prefix: string): ArgumentRule {
  if (/^-v/.test(prefix) || rest.at(-1)?.text === '-v') return nameRefused(command);
  let index = 0;
  while (/^-./.test(rest[index]?.text ?? '')) {
    const option = rest[index]?.text ?? '';
    index++;
    if (option === '--') break;
    if (option === '-v' || (command === 'print' && /[fuC]$/.test(option))) {
      // `print -f format`: the format is the option's argument.
      if (command === 'print' && option.endsWith('f')) break;
      index++;
    }
  }
  if (command === 'print' && rest.slice(0, index).some(({ text }) => /^-[A-Za-z]*P/.test(text))) {
    return refused(
      'in a text that print -P expands like a prompt: zsh as sh runs $(...) in it',
      "print what changes with -P and the value without it: print -nP '%B'; print -r -- {{NAME}}",
    );
  }
  if (command === 'print' && !rest.some(({ text }) => /^-[A-Za-z]*f/.test(text))) return DATA;
  const format = rest[index];
  // The format itself is text; the rule of each other argument covers how the format uses it.
  if (format === undefined) return DATA;
  if (!format.literal) {
    return refused(
      `in an argument of ${command} whose format is not written out`,
      `write the format: ${command} '%s' {{NAME}}`,
    );
  }
  const kinds = conversionsOf(format.text);
  const kind = kinds.length === 0 ? 'text' : kinds[(rest.length - index - 1) % kinds.length];
  return kind === 'number' ? INTEGER : DATA;
}

function conversionsOf(format: string): ('text' | 'number')[] {
  const kinds: ('text' | 'number')[] = [];
  for (const [whole, kind = ''] of format.matchAll(
    /%[^%A-Za-z]*(?:hh|h|ll|l|L|j|z|t|q)?(\([^)]*\)T|[A-Za-z%])/g,
  )) {
    for (const _ of whole.matchAll(/\*/g)) kinds.push('number');
    if (kind !== '%') kinds.push(/^[diouxXeEfFgGaAT(]/.test(kind) ? 'number' : 'text');
  }
  return kinds;
}

function readOperand(previous: string, prefix: string): ArgumentRule {
  if (/^-[A-Za-z]*[nNtu]$/.test(previous) || /^-[A-Za-z]*[nNtu]$/.test(prefix)) return INTEGER;
  if (/^-[A-Za-z]*[dip]$/.test(previous) || /^-[A-Za-z]*[dip]/.test(prefix)) return DATA;
  return nameRefused('read');
}

function mapfileOperand(command: string, previous: string, prefix: string): ArgumentRule {
  if (/^-[A-Za-z]*C/.test(previous) || /^-[A-Za-z]*C/.test(prefix)) {
    return refused(`in the code that ${command} runs for each line`, 'write the code');
  }
  if (/^-[A-Za-z]*[nOsuc]$/.test(previous) || /^-[A-Za-z]*[nOsuc]$/.test(prefix)) return INTEGER;
  return /^-[A-Za-z]*d$/.test(previous) ? DATA : nameRefused(command);
}

const RUNS_FILE_NAMES = /^-?r?ksh([-.\d+]|$)/;

/**
 * The rule for the code of `sh -c`, `bash --rcfile f -euo pipefail -c`, and for places where a value might be such an
 * option.
 */
function shellCode(before: readonly Word[], prefix: string): ArgumentRule | undefined {
  for (const [at, { text }] of before.entries()) {
    if (!isShellName(text)) continue;
    const rule = shellArgument(before, at, prefix);
    // Words after the code are its arguments, even one that is the name of a shell.
    if (rule === 'argument of the code') return undefined;
    if (rule) return rule;
  }
  return undefined;
}

/** The same rule for the words after the shell at an index. */
function shellArgument(
  before: readonly Word[],
  at: number,
  prefix: string,
): ArgumentRule | 'argument of the code' | undefined {
  let code = false;
  let index = at + 1;
  for (; index < before.length; index++) {
    const { text, literal } = before[index] as Word;
    if (text === '--' || text === '-') {
      index++;
      break;
    }
    if (!/^[-+]/.test(text)) {
      if (literal || text !== '') break;
      return refused(
        'behind a word that may be an option of the shell and make it run what follows as code',
        'write -- in front of the file: sh -- "$file" {{NAME}}',
      );
    }
    code ||= /^-[A-Za-z]*c/.test(text) && !text.startsWith('--');
    if (/^[-+][A-Za-z]*[oO]$/.test(text) || text === '--rcfile' || text === '--init-file') index++;
  }
  if (index < before.length) return code ? 'argument of the code' : undefined; // or of the file
  if (index === before.length && (code || /^-[A-Za-z]*c/.test(prefix))) {
    return refused(
      'in the code that a shell is given with -c',
      'hand the value over as an argument: sh -c code sh {{NAME}}, and use $1 in double quotes in the code',
    );
  }
  if (/^[-+]/.test(prefix)) return refused('in an option of a shell', 'write the option');
  // ksh93 runs the name of its script as a command line where there is no such file.
  if (index === before.length && !code && RUNS_FILE_NAMES.test(baseName((before[at] as Word).text))) {
    return refused(
      'as the name of the script for ksh, which runs the name itself where there is no such file',
      `write ksh -c '. "$1"' ksh {{NAME}}`,
    );
  }
  return undefined;
}

/** The rule for the argument of `flock -c`, `su -c`, `env -S` and the like. */
function codeOption(before: readonly Word[], prefix: string): ArgumentRule | undefined {
  const previous = before.at(-1)?.text ?? '';
  for (const { text } of before) {
    const options = CODE_OPTIONS[baseName(text)];
    if (!options || !(options.separate.test(previous) || options.attached.test(prefix))) continue;
    return refused(
      `in the command line that ${baseName(text)} runs`,
      'hand the value over as an argument or in an environment variable',
    );
  }
  return undefined;
}

function nameRefused(command: string, instead = 'write the name of the variable'): ArgumentRule {
  return refused(`as the name of a variable for ${command}`, instead);
}

function refused(place: string, instead: string): ArgumentRule {
  return { kind: 'refused', place, instead };
}
