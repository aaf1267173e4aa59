import type { CheckResult } from '@rigel/command-template';
import type { ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import { Check, Select, TextInput } from '../../../ui/field.js';
import styles from './action.module.css';
import { EXAMPLES, type Example } from './hostile.js';
import { ProblemText } from './placement.js';
import { actionWords } from './words.js';

/** A value that a person typed for the preview. */
export interface Typed {
  value: string;
  /** The value is the name of a secret. */
  isSecret: boolean;
}

export type Choice = 'values.own' | Example;

interface PreviewProps {
  /** Parameters that the text uses or the action declares, with their types. */
  params: readonly (readonly [name: string, type: 'string' | 'integer'])[];
  typed: Readonly<Record<string, Typed>>;
  onType: (typed: Record<string, Typed>) => void;
  choice: Choice;
  onChoose: (choice: Choice) => void;
  checked: CheckResult;
}

/** The values to render with: those typed, or a hostile example for every parameter that takes a text. */
export function valuesFor({
  params,
  typed,
  choice,
}: Pick<PreviewProps, 'params' | 'typed' | 'choice'>): Record<string, unknown> {
  return Object.fromEntries(
    params.flatMap(([name, type]): [string, unknown][] => {
      const own = typed[name];
      if (own?.isSecret) return [[name, { secret: own.value }]];
      if (choice !== 'values.own' && type === 'string') return [[name, EXAMPLES[choice]]];
      if (own !== undefined) return [[name, own.value]];
      return choice === 'values.own' ? [] : [[name, '8080']];
    }),
  );
}

/** Characters of a rendered text that are shown. */
const MOST_SHOWN = 20_000;

/** The text with values in their places, made by the code that executors use. */
export function Preview({ params, typed, onType, choice, onChoose, checked }: PreviewProps): ReactNode {
  const text = useWords(actionWords);
  const choices = ['values.own', ...(Object.keys(EXAMPLES) as Example[])] as const;
  const { rendered, value_refusal: refused } = checked;
  return (
    <section className={styles.section}>
      <h2>{text('preview')}</h2>
      <Select
        label={text('values')}
        value={choice}
        choices={choices.map((one) => [one, text(one)] as const)}
        onChange={onChoose}
      />
      <div className={styles.values}>
        {params.map(([name, type]) => {
          const own = typed[name] ?? { value: '', isSecret: false };
          const change = (part: Partial<Typed>) => onType({ ...typed, [name]: { ...own, ...part } });
          return (
            <div key={name} className={styles.value}>
              <TextInput
                label={text('valueOf', { name })}
                value={own.value}
                onChange={(value) => change({ value })}
                isCode
              />
              {type === 'string' && (
                <Check isSelected={own.isSecret} onChange={(isSecret) => change({ isSecret })}>
                  {text('asSecret')}
                </Check>
              )}
            </div>
          );
        })}
      </div>
      {refused && / is missing$/.test(refused.reason) && <p className={styles.quiet}>{text('missing')}</p>}
      {refused && !/ is missing$/.test(refused.reason) && <ProblemText problem={refused} />}
      {rendered !== null && (
        <>
          <h3>{text('rendered')}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
          <pre className={styles.rendered} tabIndex={0} role="region" aria-label={text('rendered')}>
            {rendered.length > MOST_SHOWN ? `${rendered.slice(0, MOST_SHOWN)}…` : rendered}
          </pre>
          <p className={styles.quiet}>{text('nothingRun')}</p>
        </>
      )}
    </section>
  );
}
