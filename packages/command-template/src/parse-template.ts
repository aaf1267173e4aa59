import { readInterpreter } from './interpreter.js';
import type { ParameterUse } from './parameter-use.js';
import { placePlaceholders } from './place-placeholders.js';
import type { Placement } from './placer.js';
import {
  HOLE,
  placeholderError,
  refuseMalformed,
  type ScannedTemplate,
  scanPlaceholders,
} from './scan-placeholders.js';
import { positionAt, printable, TemplateError } from './template-error.js';
import { VARIABLE_PREFIX } from './variable-name.js';

/** `command`: a command line for /bin/sh. `script`: the text of a script file, which may start with `#!`. */
export type TemplateLanguage = 'command' | 'script';

/** A template that has been checked and can be rendered. Plain data. */
export interface ParsedTemplate {
  readonly language: TemplateLanguage;
  /** Every use of a parameter, in the order of the text. */
  readonly parameters: readonly ParameterUse[];
  /** The `#!` line with its line break, or nothing. The values of the parameters are assigned after it. */
  readonly head: string;
  /** See `ParseOptions`. */
  readonly accepted: boolean;
  /** The text after the head, literal text and parameters in turn. */
  readonly parts: readonly (string | ParameterUse)[];
}

export interface ParseOptions {
  /**
   * The template was accepted by the rules of an earlier release, for a task that runs: it keeps what was allowed then.
   * Nothing is refused for its place, and a value that is to be an integer by newer rules only is rendered like any
   * other. Default false.
   */
  accepted?: boolean;
  /** The text stands for itself: it has no parameters, and braces in it mean nothing. Default false. */
  literal?: boolean;
}

/** The rules by which places are judged; goes up when a place that was accepted is refused, or takes integers only. */
export const TEMPLATE_RULES = 2;

/**
 * Parses a command template and decides for every `{{name}}` how its value is kept literal there.
 *
 * @throws TemplateError when a placeholder is malformed, or stands where no value can be kept literal. The
 *   message names the place and what to write instead.
 */
export function parseTemplate(
  text: string,
  language: TemplateLanguage,
  { accepted = false, literal = false }: ParseOptions = {},
): ParsedTemplate {
  if (literal) return { language, parameters: [], head: '', accepted, parts: text === '' ? [] : [text] };
  const scanned = scanPlaceholders(text);
  const headEnd = language === 'script' && text.startsWith('#!') ? lineEnd(scanned.code) : 0;
  const head = scanned.code.slice(0, headEnd);
  const placements = readsShell(scanned, head)
    ? placePlaceholders(scanned, headEnd, accepted)
    : new Map<number, Placement>();
  const headIsText = !head.includes(HOLE);
  const parts = buildParts(scanned, headIsText ? headEnd : 0, placements);
  const parameters = parts.filter((part) => typeof part !== 'string');
  if (parameters.some((use) => !use.raw)) refuseReservedNames(scanned);
  return {
    language,
    parameters,
    head: headIsText ? head : '',
    accepted,
    parts,
  };
}

function lineEnd(code: string): number {
  const lineBreak = code.indexOf('\n');
  return lineBreak < 0 ? code.length : lineBreak + 1;
}

/** Whether the text is for a shell. Where it is not, only raw placeholders are accepted. */
function readsShell(scanned: ScannedTemplate, head: string): boolean {
  const interpreter = readInterpreter(head.trimEnd());
  if (head === '' || (interpreter.posixLike && !head.includes(HOLE))) return true;
  for (const placeholder of scanned.holes.values()) {
    refuseMalformed(placeholder);
    if (placeholder.raw) continue;
    const runner = head.includes(HOLE) ? 'an interpreter that is a parameter' : printable(interpreter.name);
    throw placeholderError(
      placeholder,
      `${placeholder.source} stands in a script for ${runner}, where its value could not be kept literal: only sh, bash, dash, ash, ksh and mksh are understood; write a sh script that hands the value to ${runner} as an argument, or {{${placeholder.name} | raw}} to paste it as it is`,
    );
  }
  return false;
}

function buildParts(
  scanned: ScannedTemplate,
  start: number,
  placements: ReadonlyMap<number, Placement>,
): (string | ParameterUse)[] {
  const parts: (string | ParameterUse)[] = [];
  let literal = '';
  let done = start;
  for (const [hole, placeholder] of scanned.holes) {
    const placement = placements.get(hole);
    literal += scanned.code.slice(done, hole);
    done = hole + 1;
    if (placement?.kind === 'comment') {
      literal += placeholder.source;
      continue;
    }
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({
      name: placeholder.name,
      raw: placement === undefined,
      context: placement?.context ?? 'verbatim',
      integer: placement?.integer ?? false,
      ...placeholder.position,
    });
  }
  literal += scanned.code.slice(done);
  if (literal !== '') parts.push(literal);
  return parts;
}

function refuseReservedNames(scanned: ScannedTemplate): void {
  const at = scanned.text.indexOf(VARIABLE_PREFIX);
  if (at < 0) return;
  throw new TemplateError(
    positionAt(scanned.text, at),
    `names that start with ${VARIABLE_PREFIX} are reserved for the values of the parameters: choose another name`,
  );
}
