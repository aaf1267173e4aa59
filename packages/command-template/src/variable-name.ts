/** Start of the names of the shell variables that hold the values of parameters. */
export const VARIABLE_PREFIX = 'rigel_param_';

/** The shell variable of the n-th parameter of a rendered template. */
export function variableName(n: number): string {
  return `${VARIABLE_PREFIX}${n}`;
}
