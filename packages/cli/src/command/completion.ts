import type { Command } from './command.js';
import { CommandError } from './exit.js';
import { GLOBAL_FLAGS } from './parse.js';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'];

/**
 * What can stand at the end of the words of a command line.
 * @param words what was typed after `rigel`; the last one is the beginning of a word, or empty.
 */
export function candidates(words: readonly string[], commands: readonly Command[]): string[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  const command = [2, 1]
    .map((count) => commands.find(({ name }) => name === before.slice(0, count).join(' ')))
    .find((known) => known !== undefined);
  if (typed.startsWith('-')) {
    const flags = { ...command?.flags, ...GLOBAL_FLAGS };
    return Object.keys(flags)
      .map((name) => `--${name}`)
      .filter((name) => name.startsWith(typed));
  }
  const last = words.at(-2);
  if (last?.startsWith('--')) {
    const flag = { ...GLOBAL_FLAGS, ...command?.flags }[last.slice(2) as keyof typeof GLOBAL_FLAGS];
    const choices: readonly string[] = (flag as { choices?: readonly string[] } | undefined)?.choices ?? [];
    return choices.filter((choice) => choice.startsWith(typed));
  }
  if (command && command.name.split(' ').length <= before.length) return [];
  const depth = before.length;
  const next = commands
    .map(({ name }) => name.split(' '))
    .filter((parts) => before.every((word, at) => parts[at] === word) && parts.length > depth)
    .map((parts) => parts[depth] as string);
  return [...new Set(next)].filter((word) => word.startsWith(typed)).sort();
}

/** A shell's script that asks `rigel __complete` for what can stand next. @throws CommandError */
export function completionScript(shell: string): string {
  switch (shell) {
    case 'bash':
      return `_rigel() {
  local IFS=$'\\n'
  COMPREPLY=($(rigel __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _rigel rigel
`;
    case 'zsh':
      return `#compdef rigel
_rigel() {
  local -a found
  found=("\${(@f)$(rigel __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _rigel rigel
`;
    case 'fish':
      return `complete -c rigel -f -a '(rigel __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`;
    case 'powershell':
      return `Register-ArgumentCompleter -Native -CommandName rigel -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  if ("$word" -eq '') { $words += '' }
  rigel __complete @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`;
    default:
      throw new CommandError(
        `there is no completion for ${JSON.stringify(shell)}; there is one for ${SHELLS.join(', ')}`,
      );
  }
}
