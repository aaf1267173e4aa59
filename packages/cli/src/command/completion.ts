import type { Command, Flag, Kind } from './command.js';
import { CommandError } from './exit.js';
import { findCommand, GLOBAL_FLAGS } from './parse.js';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'];

/** What can stand next: these words, or the names of things of this kind. */
export type Next = { words: string[] } | { kind: Kind };

/**
 * What can stand at the end of the words of a command line.
 * @param words what was typed after `rigel`; the last one is the beginning of a word, or empty.
 */
export function whatIsNext(words: readonly string[], commands: readonly Command[]): Next {
  const typed = words.at(-1) ?? '';
  const beginning = (known: readonly string[]): Next => ({
    words: known.filter((word) => word.startsWith(typed)),
  });
  const before = words.slice(0, -1).filter((word) => !word.startsWith('-'));
  const found = findCommand(before, commands);
  if (typed.startsWith('-'))
    return beginning(Object.keys({ ...found?.command.flags, ...GLOBAL_FLAGS }).map((name) => `--${name}`));
  const last = words.at(-2);
  if (last?.startsWith('--')) {
    const known: Record<string, Flag> = { ...GLOBAL_FLAGS, ...found?.command.flags };
    const name = last.slice(2);
    const flag = known[name];
    if (flag?.choices) return beginning(flag.choices);
    const kind = KINDS.find((kind) => kind === name);
    if (flag?.type === 'text' && kind) return { kind };
    if (flag !== undefined && flag.type !== 'switch') return { words: [] };
  }
  if (found && !isBeginningOfOther(before, commands, typed)) {
    const { args = [] } = found.command;
    const given = before.length - found.used;
    const arg = args[given] ?? (args.at(-1)?.many ? args.at(-1) : undefined);
    return arg?.kind === undefined ? { words: [] } : { kind: arg.kind };
  }
  const depth = before.length;
  const next = commands
    .map(({ name }) => name.split(' '))
    .filter((parts) => before.every((word, at) => parts[at] === word) && parts.length > depth)
    .map((parts) => parts[depth] as string);
  return beginning([...new Set(next)].sort());
}

/** Kinds that a flag may be named after: `--pool`. */
const KINDS: readonly Kind[] = ['cluster', 'service', 'pool', 'action', 'step', 'template', 'context'];

/** Whether a command has the words before and one more: `orphans` is one, `token` is only the beginning of others. */
function isBeginningOfOther(before: readonly string[], commands: readonly Command[], typed: string): boolean {
  const beginning = [...before, typed].join(' ');
  return before.length === 1 && commands.some(({ name }) => name.startsWith(beginning) && name !== before[0]);
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
