import { type ParsedTemplate, parseTemplate, type TemplateLanguage } from './parse-template.js';
import { TemplateError } from './template-error.js';

/** Byte order mark, which a text from another system may have. No shell accepts it at the beginning of a script. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Words of Go templates (docker, podman, helm). Alone in braces they look like parameters, but are hardly ever meant
 * so.
 */
const GO_WORDS = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

/** The text as shells need it: lines that end with LF, without a byte order mark. */
export function plainLines(text: string): string {
  return (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).replaceAll('\r\n', '\n');
}

/** Sentences for the operator: what `plainLines` changes in a text. */
export function changesOfLines(text: string): string[] {
  const notes: string[] = [];
  if (text.startsWith(BYTE_ORDER_MARK)) notes.push('saved without the byte order mark at its beginning');
  const lines = text.split('\r\n').length - 1;
  if (lines > 0)
    notes.push(`saved with LF line ends; ${lines} ${lines === 1 ? 'line' : 'lines'} ended with CR LF`);
  return notes;
}

/**
 * Checks the text of an action before it is saved: everything that `parseTemplate` refuses, and texts that parse but
 * hardly mean what they say.
 * @param text with plain lines.
 * @param declared names of the parameters that the action declares; `any`: do not check them.
 * @throws TemplateError
 */
export function checkText(
  text: string,
  language: TemplateLanguage,
  declared: ReadonlySet<string> | 'any',
): ParsedTemplate {
  if (language === 'command' && text.startsWith('#!')) {
    throw new TemplateError(
      { line: 1, column: 1 },
      'this is one command line for /bin/sh: a script that begins with #! is a longscript',
    );
  }
  const template = parseTemplate(text, language);
  const word = template.parameters.find(
    ({ name, raw }) => !raw && GO_WORDS.has(name) && declared !== 'any' && !declared.has(name),
  );
  if (!word) return template;
  const { name } = word;
  const advice = `for the text {{${name}}} of a Go template write {{{{${name}}}}}; if it is a parameter, add it to the params of the action first`;
  throw new TemplateError(
    word,
    `{{${name}}} would be the parameter ${name}, which the action does not declare: ${advice}`,
    name,
    advice,
  );
}
