import type { ReactNode } from 'react';
import { type Text, useWords } from '../text/intl.js';
import type { KeyOf } from '../text/words.js';
import styles from './plan.module.css';
import type { PlanChange } from './plan-changes.js';
import { planWords } from './words.js';

/** Addresses that are named; the others are counted. */
const NAMED = 10;

type PlanText = Text<KeyOf<typeof planWords>>;

/** What has changed between two plans, a line each. */
export function ChangesList({ changes }: { changes: readonly PlanChange[] }): ReactNode {
  const text = useWords(planWords);
  return (
    <ul className={styles.changes}>
      {changes.map((change) => (
        <li key={JSON.stringify(change)}>{changeText(change, text)}</li>
      ))}
    </ul>
  );
}

function changeText(change: PlanChange, text: PlanText): string {
  switch (change.kind) {
    case 'nodes':
      return nodesText(change, text);
    case 'budget': {
      const words = (budget: number | null): string => (budget === null ? text('unset') : String(budget));
      return text('change.budget', { before: words(change.before), after: words(change.after) });
    }
    case 'value': {
      const { step, name, before = text('unset'), after = text('unset') } = change;
      return text('change.value', { step, name, before, after });
    }
    case 'part':
      return text(`change.part.${change.part}`);
    case 'batches':
      return text('change.batches', change);
    case 'template':
      return text('change.template', change);
    case 'steps':
      return text('change.steps', change);
    case 'limits':
      return text('change.limits', change);
    case 'script':
      return text('change.script', change);
    default:
      return change satisfies never;
  }
}

function nodesText(change: PlanChange & { kind: 'nodes' }, text: PlanText): string {
  const { before, after, joined = [], left = [] } = change;
  const named = (all: readonly string[]): string =>
    [
      ...all.slice(0, NAMED),
      ...(all.length > NAMED ? [text('change.more', { count: all.length - NAMED })] : []),
    ].join(', ');
  return [
    before === after ? text('change.nodes.other', { after }) : text('change.nodes', { before, after }),
    ...(joined.length > 0 ? [text('change.joined', { nodes: named(joined) })] : []),
    ...(left.length > 0 ? [text('change.left', { nodes: named(left) })] : []),
  ].join('; ');
}
