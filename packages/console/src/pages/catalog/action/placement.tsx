import type { CheckResult, Problem } from '@rigel/command-template';
import type { ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import styles from './action.module.css';
import { actionWords } from './words.js';

/** What is wrong, where, and what to write instead. */
export function ProblemText({ problem }: { problem: Problem }): ReactNode {
  const text = useWords(actionWords);
  const { line, column, reason, advice } = problem;
  return (
    <div className={styles.problem} role="alert">
      <b>{text('at', { line, column })}</b>
      <p>{reason}</p>
      {advice !== null && <p className={styles.advice}>{text('instead', { advice })}</p>}
    </div>
  );
}

type Use = CheckResult['uses'][number];

/** Every use of a parameter, with what its value is there. */
export function Placement({ checked }: { checked: CheckResult }): ReactNode {
  const text = useWords(actionWords);
  const { uses, total_uses, unused } = checked;
  const shown = uses.slice(0, MOST_SHOWN);
  return (
    <section className={styles.section}>
      <h2>{text('placement')}</h2>
      {uses.length === 0 ? (
        <p>{text('noParams')}</p>
      ) : (
        <PlacementTable label={text('placement')} uses={shown} />
      )}
      {total_uses > shown.length && <p>{text('moreUses', { count: total_uses - shown.length })}</p>}
      {unused.length > 0 && <p className={styles.warning}>{text('unused', { names: unused.join(', ') })}</p>}
    </section>
  );
}

/** Uses of parameters in their order. `declared` is absent where it is not known whether the action declares the parameter. */
export function PlacementTable({
  label,
  uses,
}: {
  label: string;
  uses: readonly (Omit<Use, 'declared'> & Partial<Pick<Use, 'declared'>>)[];
}): ReactNode {
  const text = useWords(actionWords);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <div className={styles.sideways} tabIndex={0} role="region" aria-label={label}>
      <table className={styles.placement}>
        <thead>
          <tr>
            <th scope="col">{text('line')}</th>
            <th scope="col">{text('param')}</th>
            <th scope="col">{text('where')}</th>
            <th scope="col">{text('becomes')}</th>
          </tr>
        </thead>
        <tbody>
          {uses.map((use) => (
            <tr key={`${use.line}:${use.column}`} data-raw={use.raw || undefined}>
              <td>
                {use.line}:{use.column}
              </td>
              <td>
                <code>{use.name}</code>
                {use.declared === null && <span className={styles.warning}> {text('undeclared')}</span>}
              </td>
              <td>{text(`context.${use.context}`)}</td>
              <td>{text(use.raw ? 'is.code' : use.integer ? 'is.integer' : 'is.literal')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const MOST_SHOWN = 200;
