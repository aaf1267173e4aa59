import type { ParameterUse } from './parameter-use.js';
import type { ParsedTemplate } from './parse-template.js';
import { shellQuote } from './shell-quote.js';
import { TemplateError } from './template-error.js';
import { variableName } from './variable-name.js';

export type ParameterValue = string | number | boolean;

const INTEGER = /^[+-]?[0-9]{1,19}$/;
const MAX_INTEGER = 2n ** 63n - 1n;

/**
 * The text to run, with the values in it.
 *
 * The values are assigned to shell variables, single-quoted, before the text, and a placeholder becomes the
 * quoted expansion of its variable. A shell never parses the result of an expansion, so a value cannot
 * become code even where the template is read differently than `parseTemplate` thought. Line numbers
 * stay as they are unless a value contains line breaks.
 *
 * @param values by parameter name; names that the template does not use are ignored.
 * @throws TemplateError that names the parameter, never its value: missing, of a wrong type, with a NUL
 *   character or half a surrogate pair, or no integer where the shell needs one.
 */
export function renderTemplate(
  template: ParsedTemplate,
  values: Readonly<Record<string, ParameterValue>>,
): string {
  const variables = new Map<string, string>();
  let assignments = '';
  let text = '';
  for (const part of template.parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = valueFor(part, values);
    if (part.raw) {
      text += value;
    } else if (part.integer && !(template.accepted && !INTEGER.test(value))) {
      text += integerText(part, value);
    } else {
      let variable = variables.get(part.name);
      if (variable === undefined) {
        variable = variableName(variables.size + 1);
        variables.set(part.name, variable);
        assignments += `${variable}=${shellQuote(value)}; `;
      }
      text += expansion(part, variable);
    }
  }
  return template.head + assignments + text;
}

function expansion(part: ParameterUse, variable: string): string {
  switch (part.context) {
    case 'bare':
      return `"\${${variable}}"`;
    case 'single':
      return `'"\${${variable}}"'`;
    default:
      return `\${${variable}}`;
  }
}

function valueFor(part: ParameterUse, values: Readonly<Record<string, ParameterValue>>): string {
  if (!Object.hasOwn(values, part.name)) throw error(part, 'is missing');
  const value: unknown = values[part.name];
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw error(part, 'is no finite number');
    return String(value);
  }
  if (typeof value !== 'string') {
    const type = value === null ? 'null' : Array.isArray(value) ? 'a list' : `of type ${typeof value}`;
    throw error(part, `is ${type}; only a string, a number or a boolean can be put into a command`);
  }
  if (value.includes('\0')) throw error(part, 'contains a NUL character, which no command can be given');
  if (/\p{Surrogate}/u.test(value))
    throw error(part, 'is no valid Unicode text: it contains half a surrogate pair');
  return value;
}

function integerText(part: ParameterUse, value: string): string {
  const integer = INTEGER.test(value) ? BigInt(value) : undefined;
  if (integer === undefined || integer > MAX_INTEGER || integer < -MAX_INTEGER) {
    throw error(
      part,
      'must be an integer of at most 64 bits, because the shell evaluates it as arithmetic here',
    );
  }
  // Decimal without leading zeros, which would mean octal.
  const digits = String(integer);
  // A bare 2 before > would name a file descriptor; 3--2 would not be a subtraction.
  if (part.context === 'bare') return shellQuote(digits);
  return integer < 0n && part.context === 'arithmetic' ? `(${digits})` : digits;
}

function error(part: ParameterUse, problem: string): TemplateError {
  return new TemplateError(part, `the value of parameter ${part.name} ${problem}`, part.name);
}
