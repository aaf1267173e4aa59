import type { Command, Flags } from './command.js';
import { EXIT_CODES } from './help.js';
import { GLOBAL_FLAGS, usageOf } from './parse.js';

function flagLines(flags: Flags): string[] {
  return Object.entries(flags).map(([name, { short, value, help, type, choices }]) => {
    const takes = type === 'switch' ? '' : ` ${value ?? '<value>'}`;
    const more = choices === undefined ? '' : ` (${choices.join(', ')})`;
    const spelled = `${short === undefined ? '' : `-${short}, `}--${name}${takes}`;
    return `- \`${spelled}\`: ${help.en}${more}`;
  });
}

/** The reference of all commands, in Markdown: `docs/cli.md`. */
export function reference(commands: readonly Command[]): string {
  const nouns = [...new Set(commands.map(({ name }) => name.split(' ')[0] as string))];
  const lines = [
    '# The command line',
    '',
    'This page is for people who work in a terminal, and for scripts. It is made from the table of commands by',
    '`pnpm cli-reference`; a test compares them.',
    '',
    '`rigel` speaks to the HTTP API. `rigel login` keeps a token, `rigel context add` enters another system. In the',
    'repository `pnpm rigel` runs it, and also the commands on the database (`docs/history.md`).',
    '',
    'Data goes to standard output, all else to standard error. Whatever changes a fleet shows its plan and asks. Without a',
    'terminal it needs `--yes`, or `--plan <hash>`, which does only what that plan showed.',
    '',
    '`rigel help <command>` shows one command, `rigel completion <bash|zsh|fish|powershell>` prints what completes commands in a',
    'shell, with the names of pools, templates and so on; `rigel version` prints its release, and `rigel manual` what',
    '`man` shows: `rigel manual | man -l -`.',
    '',
    '## Exit statuses',
    '',
    ...EXIT_CODES.map(([status, { en }]) => `- ${status}: ${en}`),
    '',
    '## Flags of every command',
    '',
    ...flagLines(GLOBAL_FLAGS),
  ];
  for (const noun of nouns) {
    lines.push('', `## ${noun}`);
    for (const command of commands.filter(({ name }) => name.split(' ')[0] === noun)) {
      lines.push('', `### \`rigel ${usageOf(command)}\``, '', `${command.help.en}.`);
      if (Object.keys(command.flags ?? {}).length > 0) lines.push('', ...flagLines(command.flags ?? {}));
    }
  }
  return `${lines.join('\n')}\n`;
}
