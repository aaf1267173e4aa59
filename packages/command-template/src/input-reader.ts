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
const TAKES_DATABASE = /^(psql|mysql|mariadb|sqlite3?|su|runuser)$/;
const SSH_OPTION_WITH_ARGUMENT = /^-[A-Za-z0-9]*[bcDEeFIiJLlmOopQRSWw]$/;

/** The word by which a command runs what it reads as code; undefined when it does not. */
export function readerOfInput(before: readonly Word[]): string | undefined {
  if (before.length === 1 && before[0]?.text === 'exec') return 'exec'; // `exec 3<&0` keeps it open for later commands
  const words = withoutPrefixes(before);
  for (const [index, { text }] of words.entries()) {
    const isCommand =
      index === 0 ||
      words.slice(0, index).some((word) => startsOthers(word.text)) ||
      words.slice(0, index).every((word) => !word.literal) ||
      /^-(exec|execdir|ok|okdir)$/.test(words[index - 1]?.text ?? '');
    if (!isCommand) continue;
    const command = words.slice(index);
    if (readsCode(command)) return text;
    // What stands behind these is an argument of the code.
    const hasCode = isShellName(text) && command.some((word) => /^-[A-Za-z]*c/.test(word.text));
    if (hasCode || baseName(text) === 'xargs') return undefined;
  }
  return undefined;
}

function readsCode(words: readonly Word[]): boolean {
  const [command, ...rest] = words as readonly [Word, ...Word[]];
  const name = baseName(command.text);
  if (name === 'xargs') return xargsRunsInput(rest);
  if (name === 'env')
    return rest.some(({ text }) => text.split(/\s+/).some((part) => isShellName(part)) && /\s/.test(text));
  if (name === '.' || name === 'source') return rest.some(({ text }) => STDIN.test(text));
  if (isShellName(command.text)) return shellReadsInput(rest);
  if (name === 'ssh') return sshReadsCode(rest);
  if (INTERPRETER.test(name)) {
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
