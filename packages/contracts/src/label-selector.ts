import { ServiceError, show } from './errors.js';
import { type Labels, wrongKey, wrongValue } from './labels.js';

/*
 * Selectors: which nodes an operation means, by their labels. The expressions are those of Kubernetes, conditions with commas between
 * them, all of which must hold:
 *
 *   zone=b  zone==b      has the label zone, and its value is b
 *   zone!=b              does not have zone, or with another value
 *   zone in (a,b)        has zone, and its value is one of these
 *   zone notin (a,b)     does not have zone, or with none of these values
 *   canary  !canary      has the label, does not have it
 *
 * Pure. The inventory translates the conditions to SQL (`selector-sql.ts` there); a test compares both.
 */

/** Characters, conditions and values of one selector. */
export const LONGEST_SELECTOR = 4_096;
export const MOST_CONDITIONS = 64;
const MOST_VALUES = 256;

/** One condition. A label that is not there has no value: `notIn` holds then. */
export type LabelCondition =
  | { is: 'present'; key: string }
  | { is: 'absent'; key: string }
  | { is: 'in' | 'notIn'; key: string; values: readonly string[] };

/** All of them must hold; none: every node matches. */
export type LabelSelector = readonly LabelCondition[];

/** A word, an operator or a mark, and where it begins: characters from 0. */
interface Token {
  kind: 'word' | 'mark' | 'end';
  text: string;
  at: number;
}

const MARKS = ['!=', '==', '=', '!', '(', ')', ','] as const;
/** What a word ends at. All else belongs to it, so that a refusal shows the word as it was written. */
const WORD = /[^\s=!(),]+/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] as string)) {
      at++;
      continue;
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    const mark = word === undefined ? MARKS.find((one) => text.startsWith(one, at)) : undefined;
    const found = (word ?? mark) as string;
    tokens.push({ kind: word === undefined ? 'mark' : 'word', text: found, at });
    at += found.length;
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }];
}

/**
 * Reads a selector.
 * @param field the field of the request that has it, for refusals.
 * @throws ServiceError `selector` (with the position, characters from 1), `too_long`.
 */
export function parseSelector(field: string, text: string): LabelSelector {
  if (text.length > LONGEST_SELECTOR)
    throw new ServiceError(
      'too_long',
      `${field} has ${text.length} characters, more than ${LONGEST_SELECTOR}`,
      field,
      { data: { limit: LONGEST_SELECTOR, length: text.length } },
    );
  return new Reader(field, text).read();
}

class Reader {
  private readonly tokens: Token[];
  private next = 0;

  constructor(
    private readonly field: string,
    private readonly text: string,
  ) {
    this.tokens = tokensOf(text);
  }

  read(): LabelSelector {
    const conditions: LabelCondition[] = [];
    if (this.peek().kind === 'end') return conditions;
    for (;;) {
      const { at } = this.peek();
      conditions.push(this.condition());
      if (conditions.length > MOST_CONDITIONS) this.refuse(at, `more than ${MOST_CONDITIONS} conditions`);
      const after = this.take();
      if (after.kind === 'end') return conditions;
      if (after.text !== ',')
        this.refuse(after.at, `a comma or the end must stand before ${show(after.text)}`);
    }
  }

  private peek(): Token {
    return this.tokens[this.next] as Token;
  }

  private take(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.next++;
    return token;
  }

  private condition(): LabelCondition {
    if (this.peek().text === '!') {
      this.take();
      return { is: 'absent', key: this.key() };
    }
    const key = this.key();
    const { text, kind } = this.peek();
    if (text === '=' || text === '==' || text === '!=') {
      this.take();
      return { is: text === '!=' ? 'notIn' : 'in', key, values: [this.value()] };
    }
    if (kind !== 'word') return { is: 'present', key };
    if (text !== 'in' && text !== 'notin')
      this.refuse(this.peek().at, `${show(text)} is no operator: =, !=, in and notin are`);
    this.take();
    return { is: text === 'in' ? 'in' : 'notIn', key, values: this.values() };
  }

  private key(): string {
    const { kind, text, at } = this.take();
    if (kind !== 'word')
      this.refuse(at, `a key must stand here, not ${kind === 'end' ? 'the end' : show(text)}`);
    const wrong = wrongKey(text);
    if (wrong !== undefined) this.refuse(at, `${show(text)} is no key of a label: ${wrong}`);
    return text;
  }

  /** A value; the empty one where a comma, a bracket or the end follows. */
  private value(): string {
    const { kind, text, at } = this.peek();
    if (kind === 'end' || text === ',' || text === ')') return '';
    if (kind !== 'word') this.refuse(at, `a value must stand here, not ${show(text)}`);
    this.take();
    const wrong = wrongValue(text);
    if (wrong !== undefined) this.refuse(at, `${show(text)} is no value of a label: ${wrong}`);
    return text;
  }

  private values(): string[] {
    const open = this.take();
    if (open.text !== '(') this.refuse(open.at, 'values in brackets must stand here: (a,b)');
    if (this.peek().text === ')') this.refuse(this.peek().at, 'the brackets must hold at least one value');
    const values = new Set<string>();
    for (;;) {
      const { at } = this.peek();
      values.add(this.value());
      if (values.size > MOST_VALUES) this.refuse(at, `more than ${MOST_VALUES} values`);
      const after = this.take();
      if (after.text === ')') return [...values];
      if (after.text !== ',')
        this.refuse(
          after.at,
          after.kind === 'end' ? 'the bracket is not closed' : 'a comma or ) must stand here',
        );
    }
  }

  /** @param at characters from 0; people count from 1. */
  private refuse(at: number, why: string): never {
    throw new ServiceError(
      'selector',
      `${this.field} ${show(this.text)}, at character ${at + 1}: ${why}`,
      this.field,
      { value: this.text, data: { position: at + 1, why } },
    );
  }
}

/** Whether labels fulfil a selector. */
export function matches(selector: LabelSelector, labels: Labels): boolean {
  return selector.every((condition) => {
    const value = Object.hasOwn(labels, condition.key) ? labels[condition.key] : undefined;
    switch (condition.is) {
      case 'present':
        return value !== undefined;
      case 'absent':
        return value === undefined;
      case 'in':
        return value !== undefined && condition.values.includes(value);
      case 'notIn':
        return value === undefined || !condition.values.includes(value);
      default:
        return condition satisfies never;
    }
  });
}

/** The selector as text; read again it is the same. */
export function selectorText(selector: LabelSelector): string {
  return selector
    .map((condition) => {
      const { key } = condition;
      if (condition.is === 'present') return key;
      if (condition.is === 'absent') return `!${key}`;
      const { is, values } = condition;
      if (values.length === 1) return `${key}${is === 'in' ? '=' : '!='}${values[0]}`;
      return `${key} ${is === 'in' ? 'in' : 'notin'} (${values.join(',')})`;
    })
    .join(',');
}
