import { changesOfLines, checkText, plainLines, TemplateError } from '@rigel/command-template';
import { nearestName, ServiceError, show } from '@rigel/contracts';
import { checkJson } from '../json.js';

/**
 * The module of an implementation and its text. The catalog keeps modules of other systems but Rigel does not run them.
 */
export type ImplTemplate =
  | { module: 'shell' | 'longscript'; text: string }
  | { module: 'unknown'; name: string };

const invalid = (message: string): ServiceError =>
  new ServiceError('command_text', `template${message}`, 'template');

/**
 * Reads an implementation's template: `{action: {module: 'shell', args}}` is one command line,
 * `{action: {module: 'longscript', content}}` a script.
 * @throws ServiceError `invalid` if it has neither form and names no other module.
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

/** The field with the text of a module. */
const TEXT_OF = { shell: 'args', longscript: 'content' };

/** Sentences for the operator: what the catalog saves differently than given, and why. */
export function changesAtSaving(template: Record<string, unknown>): string[] {
  const { action } = template;
  const { module, args, content } = (action ?? {}) as Record<string, unknown>;
  const field = module === 'longscript' ? 'content' : 'args';
  const text = module === 'longscript' ? content : args;
  if ((module !== 'longscript' && module !== 'shell') || typeof text !== 'string') return [];
  return changesOfLines(text).map((note) => `template.action.${field}: ${note}`);
}

/** Facts about an implementation besides its template. */
interface Known {
  declared?: ReadonlySet<string> | 'any' | undefined;
  stored?: Record<string, unknown>;
}

/**
 * Refuses a template that could never run safely, so that the operator learns it when saving and not when a task is
 * created. Also refuses unknown fields (such as `chdir`), unless they are stored already.
 * @param known.declared names of the parameters that the action declares; `any`: do not check them.
 * @param known.stored the stored template; absent: none.
 * @returns the template to save, its text with plain lines, see `changesAtSaving`.
 * @throws ServiceError `invalid`, which says where and why.
 */
export function checkImplTemplate(
  template: Record<string, unknown>,
  { declared = new Set(), stored = {} }: Known = {},
): Record<string, unknown> {
  checkJson('template', template);
  const read = readImplTemplate(template);
  if (read.module === 'unknown') return template;
  assertKnownFields('template', template, ['action'], Object.keys(stored));
  assertKnownFields('template.action', template.action, fieldsOf(read.module), unreadFields(stored));
  try {
    checkText(read.text, read.module === 'shell' ? 'command' : 'script', declared);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw invalid(`: ${error.message}`);
  }
  return { ...template, action: { ...(template.action as object), [TEXT_OF[read.module]]: read.text } };
}

const fieldsOf = (module: string): string[] => [
  'module',
  ...(module === 'shell' || module === 'longscript' ? [TEXT_OF[module]] : []),
];

/** Unknown fields of a stored action. */
function unreadFields({ action }: Record<string, unknown>): string[] {
  if (typeof action !== 'object' || action === null) return [];
  const read = fieldsOf(String((action as Record<string, unknown>).module));
  return Object.keys(action).filter((name) => !read.includes(name));
}

/** @param passed unknown names that are accepted all the same. */
function assertKnownFields(
  where: string,
  given: unknown,
  known: readonly string[],
  passed: readonly string[],
): void {
  const unknown = Object.keys(given as object).find(
    (name) => !known.includes(name) && !passed.includes(name),
  );
  if (unknown === undefined) return;
  throw new ServiceError(
    'unknown_field',
    `${where} has an unknown field ${show(unknown)}: the nearest known name is ${nearestName(unknown, known)}`,
    'template',
  );
}
