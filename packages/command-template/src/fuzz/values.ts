/**
 * Values of which each leaves the file `canary` when one of the shells runs it as code, expands it once more, or
 * evaluates it.
 */
export const SHELL_VALUES: readonly string[] = [
  '>canary',
  '$(>canary)',
  '`>canary`',
  'a[$(>canary)]',
  'a[`>canary`]',
  '($(>canary))',
  '([$(>canary)]=1)',
  'x=$(>canary)',
  'x[$(>canary)]=1',
  '-v a[$(>canary)]',
  'a[0$(>canary)]+1',
  'e >canary',
  '!>canary',
  '%d',
];

/**
 * Values of which each leaves the file `canary` when it is run as code, expanded once more, or evaluated as arithmetic
 * by one of the shells, or run by a program that reads code of another language. Whoever runs them puts a path in the
 * place of that word.
 */
export const HOSTILE_VALUES: readonly string[] = [
  ...SHELL_VALUES,
  // Out of a quote, a word, a here-document, a group.
  `q';>canary;'"$(>canary)";>canary\`>canary\`)>canary;(\\`,
  'x\nEOF\n>canary\n',
  'x\n>canary\n',
  '; } ; >canary ; {',
  // sed, awk, perl and python, make.
  'w canary',
  'BEGIN { print > "canary" }',
  'open(F, ">canary")',
  'open("canary", "w")',
  'x:$(shell >canary)',
];
