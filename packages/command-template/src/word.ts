/** The part of a shell word that has been read. */
export interface Word {
  /** Its text without quotes, expansions and placeholders. */
  text: string;
  /** No part of it is quoted, expanded or a placeholder, so it may be a reserved word. */
  plain: boolean;
  /** No part of it is expanded or a placeholder, so `text` is the whole word. */
  literal: boolean;
  /** Unquoted `[` not closed by an unquoted `]` yet. */
  openBrackets: number;
  /** It has an unquoted `{`, so it may be a pattern of which some shells make several words. */
  braces?: boolean;
  /** It is `name=(...)`. */
  isList?: boolean;
  /** The placeholders directly in it, by their index in the scanned code. */
  holes: number[];
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
