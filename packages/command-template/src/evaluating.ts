/*
 * What evaluates what it is given, as data: the shells' own commands and variables, and programs that run text as code.
 * Of all shells that templates may meet as /bin/sh or by their #! line (dash, bash, busybox, ksh93, mksh, yash, zsh): a
 * place counts by the shell that does the most with it.
 */

/** Names of shells, with a version or variant behind (`ksh93`, `bash-5.2`) and in their restricted forms (`rbash`). */
const SHELL =
  /^-?r?(sh|bash|dash|ash|ksh|mksh|lksh|oksh|pdksh|yash|posh|hush|zsh|csh|tcsh|fish|sash|bosh|osh|ysh|elvish|xonsh|pwsh)([-.\d+][\w.+-]*)?$/;

/** Programs that run the text on their standard input as code, wherever on a line their name stands. */
const READS_CODE =
  /^(ssh|su|runuser|batch|crontab|python[\d.]*|pypy\d*|perl[\d.]*|ruby[\d.]*|node|nodejs|deno|php[\d.]*|lua[\d.]*|luajit|tclsh[\d.]*|wish[\d.]*|expect|osascript|Rscript|octave|groovy|jshell|ghci|irb|guile|sbcl|psql|mysql|mariadb|sqlite3?|sqlplus|mongo|mongosh|cqlsh|nvim|emacs|gdb|gnuplot|sftp|lftp|telnet|tmux)$/;
/**
 * The same where the word is the command, or stands behind one that starts others: as an argument it may be anything.
 */
const READS_CODE_AS_COMMAND =
  /^(\.|source|at|ed|red|ex|vi|vim|R|es|rc|nu|bun|julia|scala|erl|iex|racket|m4|dc|parallel|ftp|redis-cli|script)$/;
/** The same where the line tells them to read their program there: `awk -f -`, `sed -f /dev/stdin`, `make -f -`. */
const READS_CODE_IF_TOLD = /^(awk|gawk|mawk|nawk|busybox|sed|make|gmake)$/;
const PROGRAM_FROM_INPUT =
  /^(-[a-zA-Z]*f-?|--(file|makefile)(=.*)?|-|\/dev\/(stdin|fd\/\d+)|-[a-zA-Z]*f\/dev\/(stdin|fd\/\d+))$/;

/** Commands that start the one that their arguments name. */
const STARTS_OTHERS =
  /^(command|builtin|exec|time|sudo|doas|env|nice|ionice|nohup|timeout|setsid|stdbuf|xargs|chroot|flock|script|unshare|nsenter|systemd-run|chrt|taskset|runuser|busybox|toybox|docker|podman|nerdctl|kubectl|oc|lxc|incus|ip|runcon|setpriv|gosu|su-exec|strace|ltrace|perf|caffeinate|proxychains\d?|watch|parallel|noglob|nocorrect)$/;

/** The file name of a program without its folder. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether a command word names a shell, which runs the text it is given. */
export function isShellName(word: string): boolean {
  return SHELL.test(baseName(word));
}

/** Whether a command starts the one that its arguments name. */
export function startsOthers(word: string): boolean {
  return STARTS_OTHERS.test(baseName(word));
}

/** A word of a line. */
export interface LineWord {
  readonly text: string;
  /** It is the command of its part of the line, or stands behind one that starts others. */
  readonly isCommand: boolean;
}

/** The word by which text on the standard input of a line's commands is run as code; undefined where there is none. */
export function runnerOfInput(line: readonly LineWord[]): string | undefined {
  const told = line.some(({ text }) => PROGRAM_FROM_INPUT.test(text));
  const callsBack = line.some(({ text }) => /^-[A-Za-z]*C$/.test(text));
  return line.find(({ text, isCommand }) => {
    const name = baseName(text);
    if (text.split(/\s+/).some((part) => isShellName(part)) || READS_CODE.test(name)) return true;
    if (callsBack && (name === 'mapfile' || name === 'readarray')) return true;
    return isCommand && (READS_CODE_AS_COMMAND.test(name) || (told && READS_CODE_IF_TOLD.test(name)));
  })?.text;
}

/** Commands that print an argument of theirs as it is, or in a line that says something of it. */
export const PRINTS_ARGUMENTS: ReadonlySet<string> = new Set([
  ...[
    'echo',
    'printf',
    'print',
    'yes',
    'basename',
    'dirname',
    'expr',
    'realpath',
    'readlink',
    'seq',
    'type',
    'whence',
  ],
  ...[
    'which',
    'where',
    'hash',
    'alias',
    'trap',
    'export',
    'declare',
    'typeset',
    'readonly',
    'local',
    'set',
    'history',
  ],
  ...[
    'dirs',
    'pushd',
    'popd',
    'cd',
    'pwd',
    'figlet',
    'banner',
    'toilet',
    'jot',
    'logger',
    'gettext',
    'envsubst',
    'shopt',
  ],
]);

/** The shells' commands that run their arguments as code, now or later, or expand them once more. */
export const RUNS_ARGUMENTS: ReadonlySet<string> = new Set([
  ...['eval', 'trap', 'alias', 'compgen', 'complete', 'compopt', 'bind', 'bindkey', 'fc', 'hist', 'enable'],
  ...['autoload', 'emulate', 'functions', 'sched', 'zle', 'zmodload', 'zstyle', 'zcompile', 'zparseopts'],
]);

/** Programs that run their arguments as code, joined, by a shell. */
export const RUNS_ARGUMENTS_BY_SHELL: ReadonlySet<string> = new Set(['watch', 'parallel']);

/** The shells' commands whose arguments are evaluated as arithmetic. */
export const COUNTS_WITH_ARGUMENTS: ReadonlySet<string> = new Set([
  ...['let', 'exit', 'return', 'shift', 'break', 'continue', 'ulimit', 'logout', 'bye'],
]);

/** The shells' commands that declare variables; with them `name=value` is an assignment. */
export const DECLARES: ReadonlySet<string> = new Set([
  ...['declare', 'typeset', 'local', 'export', 'readonly', 'integer', 'float', 'nameref'],
]);

/** The shells' commands that take names of variables, whose subscript is evaluated. */
export const TAKES_VARIABLE_NAMES: ReadonlySet<string> = new Set([
  ...['unset', 'getopts', 'mapfile', 'readarray', 'vared', 'array'],
]);

/** Options after which a program takes code as one argument, by the program. */
export const CODE_OPTIONS: Readonly<Record<string, { separate: RegExp; attached: RegExp }>> = {
  su: { separate: /^(-[a-zA-Z]*c|--(session-)?command)$/, attached: /^(-[a-zA-Z]*c|--(session-)?command=)/ },
  runuser: {
    separate: /^(-[a-zA-Z]*c|--(session-)?command)$/,
    attached: /^(-[a-zA-Z]*c|--(session-)?command=)/,
  },
  // Behind -- are the arguments of a shell, which may have more letters behind the c.
  capsh: { separate: /^-[a-zA-Z]*c[a-zA-Z]*$/, attached: /^-[a-zA-Z]*c/ },
  sg: { separate: /^(-[a-zA-Z]*c)$/, attached: /^-[a-zA-Z]*c/ },
  flock: { separate: /^(-[a-zA-Z]*c|--command)$/, attached: /^(-[a-zA-Z]*c|--command=)/ },
  script: { separate: /^(-[a-zA-Z]*c|--command)$/, attached: /^(-[a-zA-Z]*c|--command=)/ },
  env: { separate: /^(-[a-zA-Z]*S|--split-string)$/, attached: /^(-[a-zA-Z]*S|--split-string=)/ },
};

/** Variables whose value a shell runs or expands once more. */
export const CODE_VARIABLES: ReadonlySet<string> = new Set([
  ...['PS1', 'PS2', 'PS3', 'PS4', 'PROMPT', 'PROMPT2', 'PROMPT3', 'PROMPT4', 'RPROMPT', 'RPROMPT2', 'RPS1'],
  ...['RPS2', 'SPROMPT', 'PROMPT_COMMAND', 'PS0', 'BASH_ENV', 'SHELLOPTS', 'BASHOPTS', 'FPATH', 'POSTEDIT'],
]);

/** Variables that are integers in some shell: what is assigned to them is evaluated as arithmetic. */
export const INTEGER_VARIABLES: ReadonlySet<string> = new Set([
  ...['RANDOM', 'SRANDOM', 'SECONDS', 'LINENO', 'OPTIND', 'OPTERR', 'HISTCMD', 'HISTSIZE', 'HISTFILESIZE'],
  ...['SAVEHIST', 'TMOUT', 'COLUMNS', 'LINES', 'EPOCHSECONDS', 'EPOCHREALTIME', 'BASHPID', 'BASH_SUBSHELL'],
  ...[
    'UID',
    'EUID',
    'GID',
    'EGID',
    'USER_ID',
    'KSHUID',
    'KSHEGID',
    'KSHGID',
    'PGRP',
    'PPID',
    'SHLVL',
    'FUNCNEST',
  ],
  ...['MAILCHECK', 'JOBMAX', 'KEYTIMEOUT', 'LISTMAX', 'LOGCHECK', 'BAUD', 'DIRSTACKSIZE', 'ERRNO', 'TTYIDLE'],
  ...['TRY_BLOCK_ERROR', 'TRY_BLOCK_INTERRUPT', 'REPORTTIME', 'CURRENT', 'COMP_POINT', 'COMP_CWORD', 'ARGC'],
]);
