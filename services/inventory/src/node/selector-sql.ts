import type { LabelCondition, LabelSelector } from '@rigel/contracts';
import { type RawBuilder, sql } from 'kysely';

/**
 * The conditions of a selector on the column `labels` of `nodes`, which the index `nodes_labels` answers: it finds nodes that have a
 * label. Conditions that a label is missing, or has another value, are checked on the nodes that remain.
 */
export function selectorSql(selector: LabelSelector): RawBuilder<unknown>[] {
  const conditions = selector.map(conditionSql);
  // The index has only nodes with labels, and PostgreSQL uses it where that is said.
  return selector.some(needsLabel) ? [sql`labels <> '{}'`, ...conditions] : conditions;
}

const needsLabel = ({ is }: LabelCondition): boolean => is === 'present' || is === 'in';

function conditionSql(condition: LabelCondition): RawBuilder<unknown> {
  const { key } = condition;
  switch (condition.is) {
    case 'present':
      return sql`labels ? ${key}`;
    case 'absent':
      return sql`NOT labels ? ${key}`;
    case 'in':
      return anyOf(key, condition.values);
    case 'notIn':
      return sql`NOT ${anyOf(key, condition.values)}`;
    default:
      return condition satisfies never;
  }
}

function anyOf(key: string, values: readonly string[]): RawBuilder<unknown> {
  const pairs = values.map((value) => sql`labels @> ${JSON.stringify({ [key]: value })}::jsonb`);
  return sql`(${sql.join(pairs, sql` OR `)})`;
}
