import type { ArgumentRule, Refusal } from './argument-rule.js';
import type { Lost } from './lost.js';
import type { PlaceContext } from './parameter-use.js';
import { IN_BRACKETS } from './refusals.js';
import {
  type Placeholder,
  placeholderError,
  refuseMalformed,
  type ScannedTemplate,
} from './scan-placeholders.js';
import { positionAt, TemplateError } from './template-error.js';
import type { Word } from './word.js';

/** The place of a placeholder in a shell text; placeholders in comments stay unchanged. */
export type Placement = { kind: 'place'; context: PlaceContext; integer: boolean } | { kind: 'comment' };

/** A word that is being read, and the rule for its rest after the prefix that has been read. */
export type OpenWord = Word & { rule: (prefix: string) => ArgumentRule };

/** Notes the place of every placeholder that the lexer meets, or refuses it. */
export class Placer {
  /** By the placeholders' index in the scanned code; `{{name | raw}}` outside comments has none. */
  readonly placements = new Map<number, Placement>();
  /** Set inside a construct where no parameter may stand. */
  private refusal: Refusal | undefined;

  constructor(
    private readonly template: ScannedTemplate,
    private readonly accepted: boolean,
  ) {}

  comment(at: number): void {
    this.placements.set(at, { kind: 'comment' });
  }

  /** A placeholder in a context, and in a word unless it stands in a here-document. */
  place(at: number, context: PlaceContext, word: OpenWord | undefined): void {
    if (word) word.literal = false;
    const placeholder = this.placeholder(at);
    refuseMalformed(placeholder);
    if (placeholder.raw) return;
    if (this.refusal) this.refuse(at, this.refusal);
    let integer = context === 'arithmetic';
    if (word && !integer) {
      if (word.openBrackets > 0) this.refuse(at, IN_BRACKETS);
      const rule = word.rule(word.text);
      if (rule.kind === 'refused') this.refuse(at, rule);
      integer = rule.kind === 'integer';
      word.holes.push(at);
    }
    this.placements.set(at, { kind: 'place', context, integer });
  }

  /**
   * The output of a command substitution in a word is the value of a placeholder in it, which then stands in the word.
   */
  judge(at: number, word: OpenWord | undefined): void {
    if (!word) return;
    if (word.openBrackets > 0) this.refuse(at, IN_BRACKETS);
    const rule = word.rule(word.text);
    if (rule.kind === 'refused') this.refuse(at, rule);
    if (rule.kind === 'integer') this.requireInteger(at);
    word.holes.push(at);
  }

  /** The word of a placed placeholder turned out to be an operand of `-eq` or the like. */
  requireInteger(at: number): void {
    const placement = this.placements.get(at);
    if (placement?.kind === 'place') this.placements.set(at, { ...placement, integer: true });
  }

  /** Throws unless the placeholder is a raw one, which may stand anywhere. */
  refuse(at: number, refusal: Refusal): void {
    if (this.accepted) return;
    const placeholder = this.placeholder(at);
    refuseMalformed(placeholder);
    if (placeholder.raw) return;
    const instead = refusal.instead.replaceAll('NAME', placeholder.name);
    throw placeholderError(
      placeholder,
      `${placeholder.source} stands ${refusal.place}, where its value could not be kept literal: ${instead}; or write {{${placeholder.name} | raw}} to paste it as it is`,
      instead,
    );
  }

  /** Throws when a parameter has a place: because of something else in the text none can be kept literal. */
  refuseAll(reason: string): void {
    if (this.accepted) return;
    for (const [hole, { kind }] of this.placements) {
      if (kind !== 'place') continue;
      const placeholder = this.placeholder(hole);
      throw placeholderError(
        placeholder,
        `${placeholder.source} could not be kept literal, because ${reason}; or write {{${placeholder.name} | raw}} to paste it as it is`,
      );
    }
  }

  /** Refuses the parameters that the lexer meets during the call. */
  refusing(refusal: Refusal | undefined, read: () => void): void {
    const outer = this.refusal;
    this.refusal = outer ?? refusal;
    read();
    this.refusal = outer;
  }

  /** The lexer stopped at an index of the scanned code: refuses what it has not placed. */
  refuseRest(lost: Lost, at: number): void {
    const { text, origin, holes } = this.template;
    const where = positionAt(text, origin[at] ?? text.length);
    for (const [hole, placeholder] of holes) {
      if (this.placements.has(hole)) continue;
      refuseMalformed(placeholder);
      if (placeholder.raw) continue;
      throw placeholderError(
        placeholder,
        `the place of ${placeholder.source} is not certain after ${lost.reason} at ${where.line}:${where.column}: assign the parameter before that (value={{${placeholder.name}}}) and use $value in double quotes`,
        `assign the parameter before that (value={{${placeholder.name}}}) and use $value in double quotes`,
      );
    }
    const used = [...this.placements.values()].some((placement) => placement.kind === 'place');
    if (lost.unterminated && used) throw new TemplateError(where, `the text has ${lost.reason}`);
  }

  private placeholder(at: number): Placeholder {
    const placeholder = this.template.holes.get(at);
    if (!placeholder) throw new Error(`no placeholder at ${at}`);
    return placeholder;
  }
}
