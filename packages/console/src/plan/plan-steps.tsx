import type { Preview } from '@rigel/api-client';
import type { ReactNode } from 'react';

import { to } from '../app/addresses.js';
import { useWords } from '../text/intl.js';
import { roundText } from '../text/time.js';
import { AsideLink } from './aside-link.js';
import { Disclosure } from './disclosure.js';
import { isOneOff } from './one-off.js';
import styles from './plan.module.css';
import { planWords } from './words.js';

type Planned = Preview['steps'][number];
type Action = Planned['actions'][number];

/** A step of a plan. Of one that an earlier release recorded it is not known where its values come from. */
export interface ShownStep extends Omit<Planned, 'params'> {
  params: readonly (Omit<Planned['params'][number], 'source'> &
    Partial<Pick<Planned['params'][number], 'source'>>)[];
}

/** The steps in their order: what each gets and from where, and what it runs. */
export function PlanSteps({ preview: { steps, template, example } }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  const [before = '', after = ''] = text('steps', { count: steps.length, template: '\u0000' }).split(
    '\u0000',
  );
  return (
    <section>
      <h4>
        {before}
        {isOneOff(template) ? (
          text('oneOff')
        ) : (
          <AsideLink href={to.template(template.id)}>{template.name}</AsideLink>
        )}
        {after}
      </h4>
      <ol className={styles.steps}>
        {steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a template may have a step twice.
          <li key={`${step.name} ${index}`}>
            <OneStep step={step} on={example && text('script.for', { ip: example.ip })} />
          </li>
        ))}
      </ol>
    </section>
  );
}

interface OneStepProps<Step extends ShownStep> {
  step: Step;
  /** Where its scripts run so. */
  on?: string | null;
  /** What stands beside the facts that every plan tells. */
  facts?: readonly string[];
  /** Words for where a value comes from; default: those of an operation that is not carried out yet. */
  sourceOf?: (source: Planned['params'][number]['source']) => string;
  /** What stands under the script of an action. */
  under?: (action: Step['actions'][number]) => ReactNode;
}

/** What one step gets and from where, and what it runs. */
export function OneStep<Step extends ShownStep>({
  step,
  on,
  facts: further = [],
  sourceOf,
  under,
}: OneStepProps<Step>): ReactNode {
  const text = useWords(planWords);
  const facts = [
    ...(step.retry_times > 0 ? [text('step.retries', { count: step.retry_times })] : []),
    ...(step.ignore_error ? [text('step.ignore')] : []),
    ...(step.timeout > 0 ? [text('step.limit', { time: roundText(step.timeout * 1_000) })] : []),
    ...further,
  ];
  return (
    <>
      <p className={styles.stepHead}>
        <b className={styles.mono}>{step.name}</b>
        <span className={styles.quiet}>{facts.join(' · ')}</span>
      </p>
      {step.params.length > 0 && (
        <dl className={styles.values} aria-label={text('step.values', { step: step.name })}>
          {step.params.map(({ name, value, secret, source }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd data-source={source}>
                <span className={styles.mono}>
                  {secret ? text('secret', { name: value }) : value || '""'}
                </span>{' '}
                {source && (
                  <span className={styles.quiet}>{sourceOf?.(source) ?? text(`source.${source}`)}</span>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {step.actions.map((action) => (
        <Script key={action.name} action={action} on={on} under={under?.(action)} />
      ))}
    </>
  );
}

function Script({
  action: { name, script, cut },
  on,
  under,
}: {
  action: Action;
  on: string | null | undefined;
  under: ReactNode;
}): ReactNode {
  const text = useWords(planWords);
  const title = text('script', { action: name });
  if (script === '' && !cut)
    return (
      <p className={styles.quiet}>
        {name}: {text('script.nothing')}
      </p>
    );
  return (
    <Disclosure
      title={title}
      after={on && <span className={styles.quiet}>{on}</span>}
      details={() => (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reached by keyboard. */}
          <pre className={styles.script} tabIndex={0} role="region" aria-label={title}>
            {script}
          </pre>
          {cut && <p className={styles.quiet}>{text('script.cut')}</p>}
          {under}
        </>
      )}
    />
  );
}
