import type { Command, Flags } from './command.js';
import { EXIT_CODES } from './help.js';
import { GLOBAL_FLAGS, usageOf } from './parse.js';

/** A text as `man` shows it: a backslash, and a dot or quote at the beginning of a line, would be commands. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}

function flagParts(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, { short, value, help, type, choices }]) => {
    const takes = type === 'switch' ? '' : ` ${value ?? '<value>'}`;
    const spelled = `${short === undefined ? '' : `-${short}, `}--${name}${takes}`;
    const more = choices === undefined ? '' : ` (${choices.join(', ')})`;
    return ['.TP', `.B ${roff(spelled)}`, roff(`${help.en}${more}`)];
  });
}

/** The manual page of all commands, `rigel.1`, as `man` reads it. */
export function manual(commands: readonly Command[], release: string): string {
  const lines = [
    `.TH RIGEL 1 "" "rigel ${roff(release)}" "Rigel"`,
    '.SH NAME',
    'rigel \\- command line of Rigel, a client of its HTTP API',
    '.SH SYNOPSIS',
    '.B rigel',
    '\\fInoun\\fR \\fIverb\\fR [\\fIname or id\\fR] [\\fIflags\\fR]',
    '.SH DESCRIPTION',
    'Data goes to standard output, all else to standard error. Whatever changes a fleet shows its plan and asks.',
    'Without a terminal it needs',
    '.B \\-\\-yes\\fR,',
    'or',
    '.B \\-\\-plan\\fR,',
    'which does only what the plan with that hash showed.',
    '.SH FLAGS OF EVERY COMMAND',
    ...flagParts(GLOBAL_FLAGS),
    '.SH COMMANDS',
  ];
  for (const command of commands)
    lines.push(
      `.SS ${roff(`rigel ${usageOf(command)}`)}`,
      `${roff(command.help.en)}.`,
      ...flagParts(command.flags ?? {}),
    );
  lines.push('.SH EXIT STATUS');
  for (const [status, { en }] of EXIT_CODES) lines.push('.TP', `.B ${status}`, roff(en));
  lines.push(
    '.SH ENVIRONMENT',
    ...VARIABLES.flatMap(([name, what]) => ['.TP', `.B ${name}`, roff(what)]),
    '.SH FILES',
    '.TP',
    '.I $XDG_CONFIG_HOME/rigel/config.yaml',
    'the contexts: addresses of systems, and where their tokens come from',
    '.TP',
    '.I $XDG_CONFIG_HOME/rigel/credentials.yaml',
    'tokens that',
    '.B rigel login',
    'keeps; only its user may read it',
  );
  return `${lines.join('\n')}\n`;
}

/** Variables that the command line reads. */
export const VARIABLES: readonly (readonly [string, string])[] = [
  ['RIGEL_URL', 'address of the gateway'],
  ['RIGEL_TOKEN, RIGEL_TOKEN_FILE', 'the API token, or a file that holds it'],
  ['RIGEL_CONTEXT', 'name of the context'],
  ['RIGEL_CONFIG', 'another file of contexts'],
  ['RIGEL_OUTPUT', 'default format of the output'],
  ['RIGEL_LANG', 'language of the help: en or zh; default: that of LANG'],
];
