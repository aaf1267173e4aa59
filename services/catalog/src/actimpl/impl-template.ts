import { parseTemplate, TemplateError } from '@rigel/command-template';
import { ServiceError, show } from '@rigel/contracts';
import { checkJson } from '../json.js';

/** What an implementation runs; modules that only other systems know are kept as they are and not run. */
export type ImplTemplate =
  | { module: 'shell' | 'longscript'; text: string }
  | { module: 'unknown'; name: string };

/** What a text written on another system may carry: no shell takes it as the first thing of a script. */
const BYTE_ORDER_MARK = '\uFEFF';

const invalid = (message: string): ServiceError =>
  new ServiceError('invalid', `template${message}`, 'template');

/**
 * Reads an implementation's template: `{action: {module: 'shell', args}}` is one command line,
 * `{action: {module: 'longscript', content}}` a script.
 * @throws ServiceError `invalid` when it is of neither form and names no other module.
 */
export function readImplTemplate(template: Record<string, unknown>): ImplTemplate {
  const { action } = template;
  if (typeof action !== 'object' || action === null || Array.isArray(action)) {
    throw invalid(`.action must be an object (got ${show(action)})`);
  }
  const { module, args, content } = action as Record<string, unknown>;
  switch (module) {
    case 'shell':
      if (typeof args !== 'string') throw invalid(`.action.args must be a string (got ${show(args)})`);
      return { module, text: plainLines(args) };
    case 'longscript':
      if (typeof content !== 'string')
        throw invalid(`.action.content must be a string (got ${show(content)})`);
      return { module, text: plainLines(content) };
    default:
      if (typeof module !== 'string') throw invalid(`.action.module must be a string (got ${show(module)})`);
      return { module: 'unknown', name: module };
  }
}

/** Words of Go's templates (docker, podman, helm). Alone in braces they look like parameters and are hardly ever meant as such. */
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

/** The text as shells want it: lines that end with LF, and no byte order mark before the first one. */
function plainLines(text: string): string {
  return (text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).replaceAll('\r\n', '\n');
}

/** What is saved differently than it was given, and why: sentences for the operator. */
export function changesAtSaving(template: Record<string, unknown>): string[] {
  const { action } = template;
  const { module, args, content } = (action ?? {}) as Record<string, unknown>;
  const field = module === 'longscript' ? 'content' : 'args';
  const text = module === 'longscript' ? content : args;
  if ((module !== 'longscript' && module !== 'shell') || typeof text !== 'string') return [];
  const notes: string[] = [];
  if (text.startsWith(BYTE_ORDER_MARK))
    notes.push(`template.action.${field}: saved without the byte order mark at its beginning`);
  const lines = text.split('\r\n').length - 1;
  if (lines > 0)
    notes.push(
      `template.action.${field}: saved with LF line ends; ${lines} ${lines === 1 ? 'line' : 'lines'} ended with CR LF`,
    );
  return notes;
}

/**
 * Refuses what could never run safely, so that the operator hears of it when saving and not when a task is created.
 * @param declared names of the parameters that the action declares; `any`: it is not looked at.
 * @returns the template to be saved, its text with plain lines, see `changesAtSaving`.
 * @throws ServiceError `invalid`, saying where and why.
 */
export function checkImplTemplate(
  template: Record<string, unknown>,
  declared: ReadonlySet<string> | 'any' = new Set(),
): Record<string, unknown> {
  checkJson('template', template);
  const read = readImplTemplate(template);
  if (read.module === 'unknown') return template;
  if (read.module === 'shell' && read.text.startsWith('#!')) {
    throw invalid(
      '.action.args is one command line for /bin/sh: a script that begins with #! is a longscript',
    );
  }
  try {
    const { parameters } = parseTemplate(read.text, read.module === 'shell' ? 'command' : 'script');
    const word = parameters.find(
      ({ name, raw }) => !raw && GO_WORDS.has(name) && declared !== 'any' && !declared.has(name),
    );
    if (word) {
      const { line, column, name } = word;
      throw invalid(
        `: ${line}:${column}: {{${name}}} would be the parameter ${name}, which the action does not declare: for the text {{${name}}} of a Go template write {{{{${name}}}}}; if it is a parameter, add it to the params of the action first`,
      );
    }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalid(`: ${error.message}`);
  }
  const field = read.module === 'shell' ? 'args' : 'content';
  return { ...template, action: { ...(template.action as object), [field]: read.text } };
}
