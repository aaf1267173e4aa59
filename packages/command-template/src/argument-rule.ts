import type { Word } from './command-tracker.js';
import { isShellName } from './interpreter.js';

/**
 * What may stand in an argument of a command: any data, only an integer (the shell evaluates the argument as
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

const runsItsArguments = new Set(['eval', 'trap']);
const countsWithItsArguments = new Set(['let', 'exit', 'return', 'shift', 'break', 'continue']);
const declares = new Set(['declare', 'typeset', 'local', 'export', 'readonly']);
/** bash evaluates the subscript in a variable's name, as in `name[subscript]`, when these use the name. */
const takesVariableNames = new Set(['unset', 'getopts', 'mapfile', 'readarray']);

/**
 * What may stand in the word that follows `before` in one command, by what the shell itself does with it.
 * Programs that run their arguments elsewhere (ssh, su, awk) are beyond what the shell's syntax can tell.
 *
 * @param before the command's words so far, without assignments and redirections
 * @param prefix the text of the word up to the parameter
 */
export function argumentRule(before: readonly Word[], prefix: string): ArgumentRule {
  const words = before.map((word) => word.text);
  if (isShellCode(words)) {
    return refused(
      'in the code that a shell is given with -c',
      'hand the value over as an argument: sh -c code sh {{NAME}}, and use $1 in double quotes in the code',
    );
  }
  while (words[0] === 'command' || words[0] === 'builtin') words.shift();
  const command = words[0];
  if (command === undefined) return DATA;
  const previous = words.length > 1 ? (words.at(-1) ?? '') : '';

  if (runsItsArguments.has(command)) {
    return refused(
      `in an argument of ${command}, which runs it as code`,
      'assign it first (value={{NAME}}) and let the code use $value in double quotes',
    );
  }
  if (countsWithItsArguments.has(command)) return INTEGER;
  if (command === '[' || command === '[[' || command === 'test') return testOperand(previous);
  if (declares.has(command)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(prefix)) {
      return refused(`as the name of a variable for ${command}`, `write the name: ${command} name={{NAME}}`);
    }
    return words.some((word) => /^-[A-Za-z]*i/.test(word)) ? INTEGER : DATA;
  }
  const namesVariable =
    takesVariableNames.has(command) ||
    (command === 'read' && !/^-[A-Za-z]*[dinNptu]$/.test(previous)) ||
    (command === 'printf' && previous === '-v') ||
    (command === 'wait' && /^-[A-Za-z]*p$/.test(previous));
  return namesVariable
    ? refused(`as the name of a variable for ${command}`, 'write the name of the variable')
    : DATA;
}

function testOperand(previous: string): ArgumentRule {
  if (/^-(eq|ne|lt|le|gt|ge|t)$/.test(previous)) return INTEGER;
  if (previous === '-v' || previous === '-R') {
    return refused(`as the name of a variable for ${previous}`, 'write the name of the variable');
  }
  return DATA;
}

/** The next word is the one after `-c` of `sh -c`, `bash -euo pipefail -c`, `su user -c` and the like. */
function isShellCode(words: readonly string[]): boolean {
  let end = words.length;
  let hasCodeOption = false;
  for (;;) {
    const last = words[end - 1] ?? '';
    if (/^[-+]/.test(last)) {
      hasCodeOption ||= /^-[A-Za-z]*c[A-Za-z]*$/.test(last);
      end--;
    } else if (/^[-+][A-Za-z]*o$/.test(words[end - 2] ?? '')) {
      end--; // the argument of -o
    } else {
      return hasCodeOption && (isShellName(last) || words.includes('su'));
    }
  }
}

function refused(place: string, instead: string): ArgumentRule {
  return { kind: 'refused', place, instead };
}
