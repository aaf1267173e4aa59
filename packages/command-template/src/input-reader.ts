import { argumentRule, withoutPrefixes } from './argument-rule.js';
import type { Word } from './command-tracker.js';
import { baseName, isShellName, runnerOfInput, startsOthers } from './evaluating.js';

/*
 * Whether a command runs what it reads as code, as its words tell: `sh`, `sudo bash -s`, `. /dev/stdin`, `python3 -`,
 * `xargs sh -c`. Behind a pipe a command is looked at more closely than on the line of a here-document: `echo {{p}} |
 * ssh host cat` is usual.
 */

const STDIN = /^(-|\/dev\/(stdin|fd\/\d+)|\/proc\/self\/fd\/\d+)$/;
/** They read a program when they are given neither a file nor a text of one. */
const INTERPRETER =
  /^(python[\d.]*|pypy\d*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|bun|php[\d.]*|lua[\d.]*|luajit|tclsh[\d.]*|wish[\d.]*|expect|Rscript|octave|groovy|guile|sbcl|su|runuser|psql|mysql|mariadb|sqlite3?)$/;
const PROGRAM_GIVEN = /^(-[A-Za-z]*[ceEmnpf]|--(command|eval|execute|file|session-command)(=.*)?)$/;
/** They go on with their input when the program has ended, where an option in front of it says so. */
const GOES_ON_WITH_INPUT: readonly (readonly [RegExp, RegExp])[] = [
  [
    /^(python[\d.]*|pypy\d*|node|nodejs|lua[\d.]*|luajit|octave)$/,
    /^(-[A-Za-z]*i|--interactive$|--persist$)/,
  ],
  [/^php[\d.]*$/, /^-[A-Za-z]*a/],
];
/** An option of an interpreter whose argument is the next word, and no program. */
const OPTION_WITH_ARGUMENT = /^-[WXrl]$/;
const TAKES_DATABASE = /^(psql|mysql|mariadb|sqlite3?|su|runuser)$/;
/** What find runs stands behind one of these. */
const FINDS_COMMAND = /^-(exec|execdir|ok|okdir)$/;
const SSH_OPTION_WITH_ARGUMENT = /^-[A-Za-z0-9]*[bcDEeFIiJLlmOopQRSWw]$/;

/** Operands that a command needs before the one that it starts, and its options whose argument is the next word. */
interface ShellOpener {
  operands: number;
  withArgument?: RegExp;
}

/** They start a shell where they are given no command. */
const OPENS_SHELL: Readonly<Record<string, ShellOpener>> = {
  chroot: { operands: 1 },
  setarch: { operands: 1 },
  linux32: { operands: 0 },
  linux64: { operands: 0 },
  i386: { operands: 0 },
  x86_64: { operands: 0 },
  uname26: { operands: 0 },
  unshare: { operands: 0, withArgument: /^-[A-Za-z]*[RwSGl]$/ },
  nsenter: { operands: 0, withArgument: /^-[A-Za-z]*[tSG]$/ },
  fakeroot: { operands: 0, withArgument: /^-[lsibu]$/ },
  firejail: { operands: 0 },
  newgrp: { operands: Number.POSITIVE_INFINITY },
};
/** The same with an option that asks for one. */
const OPENS_SHELL_IF_TOLD: Readonly<Record<string, ShellOpener & { told: RegExp }>> = {
  sudo: { operands: 0, withArgument: /^-[A-Za-z]*[ugpCrtTUDR]$/, told: /^(-[A-Za-z]*[is]|--shell|--login)$/ },
  doas: { operands: 0, withArgument: /^-[uC]$/, told: /^-[A-Za-z]*s$/ },
  'systemd-run': { operands: 0, withArgument: /^-[upEM]$/, told: /^(-[A-Za-z]*S|--shell)$/ },
};

/** The word by which a command runs what it reads as code; undefined when it does not. */
export function readerOfInput(before: readonly Word[]): string | undefined {
  if (before.length === 1 && before[0]?.text === 'exec') return 'exec'; // `exec 3<&0` keeps it open for later commands
  const words = withoutPrefixes(before);
  for (const [index, { text }] of words.entries()) {
    const isCommand =
      index === 0 ||
      words.slice(0, index).some((word) => startsOthers(word.text)) ||
      words.slice(0, index).every((word) => !word.literal) ||
      FINDS_COMMAND.test(words[index - 1]?.text ?? '');
    if (!isCommand) continue;
    const command = commandFrom(words, index);
    if (readsCode(command)) return text;
    // What stands behind these is an argument of the code.
    const hasCode = isShellName(text) && command.some((word) => /^-[A-Za-z]*c/.test(word.text));
    if (hasCode || baseName(text) === 'xargs') return undefined;
  }
  return undefined;
}

/** The command that begins with a word; one of `find -exec` ends before its `;` or `+`, which is no operand of it. */
function commandFrom(words: readonly Word[], index: number): readonly Word[] {
  const command = words.slice(index);
  const end = command.findIndex(({ text }) => text === ';' || text === '+');
  const isFinds = words.slice(0, index).some(({ text }) => FINDS_COMMAND.test(text));
  return isFinds && end > 0 ? command.slice(0, end) : command;
}

function readsCode(words: readonly Word[]): boolean {
  const [command, ...rest] = words as readonly [Word, ...Word[]];
  const name = baseName(command.text);
  if (opensShell(name, rest)) return true;
  if (name === 'xargs') return xargsRunsInput(rest);
  if (name === 'env')
    return rest.some(({ text }) => text.split(/\s+/).some((part) => isShellName(part)) && /\s/.test(text));
  if (name === '.' || name === 'source') return rest.some(({ text }) => STDIN.test(text));
  if (isShellName(command.text)) return shellReadsInput(rest);
  if (name === 'ssh') return sshReadsCode(rest);
  if (INTERPRETER.test(name)) {
    if (goesOnWithInput(name, rest)) return true;
    if (rest.some(({ text }) => PROGRAM_GIVEN.test(text))) return false;
    return TAKES_DATABASE.test(name) || rest.every(({ text }) => /^-/.test(text) || STDIN.test(text));
  }
  if (name === 'script') return !rest.some(({ text }) => /^-[A-Za-z]*c|^--command/.test(text));
  return (
    runnerOfInput([
      { text: command.text, isCommand: true },
      ...rest.map(({ text }) => ({ text, isCommand: false })),
    ]) === command.text
  );
}

function opensShell(name: string, rest: readonly Word[]): boolean {
  // What stands behind -- are the arguments of its shell.
  if (name === 'capsh') {
    const separator = rest.findIndex(({ text }) => text === '--');
    return separator >= 0 && shellReadsInput(rest.slice(separator + 1));
  }
  const told = OPENS_SHELL_IF_TOLD[name];
  const opener = OPENS_SHELL[name] ?? told;
  if (!opener) return false;
  let operands = 0;
  let asked = told === undefined;
  for (let index = 0; index < rest.length && operands <= opener.operands; index++) {
    const { text } = rest[index] as Word;
    if (!/^-/.test(text)) operands++;
    else if (opener.withArgument?.test(text)) index++;
    asked ||= operands === 0 && told?.told.test(text) === true;
  }
  return asked && operands <= opener.operands;
}

function goesOnWithInput(name: string, rest: readonly Word[]): boolean {
  const option = GOES_ON_WITH_INPUT.find(([interpreter]) => interpreter.test(name))?.[1];
  if (!option) return false;
  for (let index = 0; index < rest.length; index++) {
    const { text } = rest[index] as Word;
    if (option.test(text)) return true;
    // What follows the program are its own options.
    if (!/^-/.test(text) || /^-[A-Za-z]*[cm]$/.test(text)) return false;
    if (OPTION_WITH_ARGUMENT.test(text)) index++;
  }
  return false;
}

function shellReadsInput(rest: readonly Word[]): boolean {
  let index = 0;
  for (; index < rest.length; index++) {
    const { text } = rest[index] as Word;
    if (/^-[A-Za-z]*c/.test(text)) return codeReadsInput(rest[index + 1]?.text ?? '');
    if (/^-[A-Za-z]*s/.test(text)) return true;
    if (text === '--') {
      index++;
      break;
    }
    if (!/^[-+]/.test(text)) break;
    if (/^[-+][A-Za-z]*[oO]$/.test(text) || text === '--rcfile' || text === '--init-file') index++;
  }
  const file = rest[index];
  return (
    file === undefined ||
    STDIN.test(file.text) ||
    (!file.literal && file.text === '' && file.holes.length === 0 && rest.length === index + 1 && index > 0)
  );
}

/** Whether code that is given to a shell hands its input on to one that runs it: `sh -c '. /dev/stdin'`. */
function codeReadsInput(code: string): boolean {
  return code
    .split(/[;&|(){}\n]+/)
    .map((command) =>
      command
        .trim()
        .split(/\s+/)
        .filter((text) => text !== '')
        .map(literalWord),
    )
    .some((words) => words[0]?.text === 'eval' || readerOfInput(words) !== undefined);
}

const literalWord = (text: string): Word => ({
  text,
  plain: true,
  literal: true,
  openBrackets: 0,
  holes: [],
});

/** Without a command ssh starts a shell there, which reads what we send. */
function sshReadsCode(rest: readonly Word[]): boolean {
  const operands: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const { text } = rest[index] as Word;
    if (SSH_OPTION_WITH_ARGUMENT.test(text) && operands.length === 0) index++;
    else if (!/^-/.test(text) || operands.length > 0) operands.push(text);
  }
  return operands.length < 2 || codeReadsInput(operands.slice(1).join(' '));
}

/** A word of which nothing is known, as those that xargs makes of its input. */
const ANY: Word = { text: '', plain: false, literal: false, openBrackets: 0, holes: [] };

/** xargs puts what it reads behind its arguments, as any number of words, or in the place of a text that it is told. */
function xargsRunsInput(rest: readonly Word[]): boolean {
  const options = rest.findIndex(({ text }) => !/^-/.test(text));
  const start = rest.findIndex(
    ({ text }) =>
      isShellName(text) || /^(env|flock|script|su|runuser|sg|watch|parallel|busybox)$/.test(baseName(text)),
  );
  if (options < 0 || start < 0) return false;
  const command = rest.slice(start);
  const replaces = rest.slice(0, start).findIndex(({ text }) => /^(-[A-Za-z0-9]*[Ii]|--replace)/.test(text));
  if (replaces < 0) {
    return [command, [...command, ANY]].some((before) => argumentRule(before, '').kind === 'refused');
  }
  const option = rest[replaces]?.text ?? '';
  const own = /^-I$/.test(option)
    ? (rest[replaces + 1]?.text ?? '')
    : option.replace(/^(-[A-Za-z0-9]*?[Ii]|--replace=?)/, '');
  const place = own === '' ? '{}' : own;
  return command.some(({ text }, index) => {
    const at = text.indexOf(place);
    return at >= 0 && argumentRule(command.slice(0, index), text.slice(0, at)).kind === 'refused';
  });
}
