import type { Refusal } from './argument-rule.js';

export const IN_BACKQUOTES: Refusal = {
  place: 'inside backquotes',
  instead: 'write $(...) instead of backquotes',
};
export const IN_EXPANSION: Refusal = {
  place: `inside \${...}`,
  instead: 'assign it first (value={{NAME}}) and use $value there',
};
export const IN_ANSI_QUOTES: Refusal = {
  place: "inside $'...', which not every shell knows",
  instead: "end the quotes before it: $'...'{{NAME}}",
};
export const IN_TRANSLATED_QUOTES: Refusal = {
  place: 'inside double quotes after a $, which bash translates',
  instead: 'leave the $ before the quotes out',
};
export const IN_ARITHMETIC_COMMAND: Refusal = {
  place: 'inside a command whose output is evaluated as arithmetic',
  instead: 'assign the output of the command to a variable and check it first',
};
export const IN_BRACKETS: Refusal = {
  place: 'inside [...], an index or a set of characters to the shell',
  instead: 'put the brackets into double quotes, or assign it first (i={{NAME}}) where an index is meant',
};
export const IN_OPEN_PIPE: Refusal = {
  place: 'inside a here-document that goes into a pipe to a command on a later line',
  instead: 'write that command on the line with the <<',
};
export const IN_ARRAY_VALUE: Refusal = {
  place:
    'in a value of a variable that is declared as an array, which may be read as a list and expanded once more',
  instead: 'assign it in a command of its own: name=({{NAME}})',
};
export const IN_QUOTED_HEREDOC: Refusal = {
  place: 'inside a here-document with a quoted delimiter',
  instead: 'leave the quotes of the delimiter out, and put a backslash before every other $ of the text',
};
export const AS_HEREDOC_DELIMITER: Refusal = {
  place: 'in the delimiter of a here-document',
  instead: 'choose a fixed delimiter',
};
export const AFTER_DOLLAR: Refusal = { place: 'directly after a $', instead: 'put the $ into single quotes' };
export const AFTER_BACKSLASH: Refusal = {
  place: 'directly after a backslash',
  instead: 'leave the backslash out, or double it where one is meant',
};
export const BESIDE_BRACES: Refusal = {
  place:
    'in a command with a pattern like {a,b}, which becomes several words, so that its place among them is not certain',
  instead: 'write the words out',
};
