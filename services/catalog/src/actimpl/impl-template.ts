import { parseTemplate, TemplateError } from '@rigel/command-template';
import { ServiceError, show } from '@rigel/contracts';
import { checkJson } from '../json.js';

/** What an implementation runs; modules that only other systems know are kept as they are and not run. */
export type ImplTemplate =
  | { module: 'shell' | 'longscript'; text: string }
  | { module: 'unknown'; name: string };

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
      return { module, text: args };
    case 'longscript':
      if (typeof content !== 'string')
        throw invalid(`.action.content must be a string (got ${show(content)})`);
      return { module, text: content };
    default:
      if (typeof module !== 'string') throw invalid(`.action.module must be a string (got ${show(module)})`);
      return { module: 'unknown', name: module };
  }
}

/**
 * Refuses what could never run safely, so that the operator hears of it when saving and not when a task is created.
 * @throws ServiceError `invalid`, saying where and why.
 */
export function checkImplTemplate(template: Record<string, unknown>): Record<string, unknown> {
  checkJson('template', template);
  const read = readImplTemplate(template);
  if (read.module === 'unknown') return template;
  if (read.module === 'shell' && read.text.startsWith('#!')) {
    throw invalid(
      '.action.args is one command line for /bin/sh: a script that begins with #! is a longscript',
    );
  }
  try {
    parseTemplate(read.text, read.module === 'shell' ? 'command' : 'script');
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalid(`: ${error.message}`);
  }
  return template;
}
