import type { Preview } from '@rigel/api-client';
import { type ReactNode, useEffect, useRef } from 'react';

import { to } from '../app/addresses.js';
import { useIntl, useWords } from '../text/intl.js';
import { Button } from '../ui/button.js';
import { Refusal, refusedBecause, ServerSays } from '../ui/refusal.js';
import { AsideLink } from './aside-link.js';
import { ChangesList } from './changes-list.js';
import styles from './plan.module.css';
import { LeftOutNodes, TakingPart } from './plan-nodes.js';
import { PlanSteps } from './plan-steps.js';
import { roughDuration } from './rough-duration.js';
import type { PlanState } from './use-plan.js';
import { planWords } from './words.js';

/** Digits of the hash that are shown: enough to compare two by eye. */
const SHOWN_DIGITS = 8;

interface PlanPanelProps {
  plan: PlanState;
  /** The operation was sent and refused, because the plan had changed. */
  wasRefused?: boolean;
}

/** What an operation would do with the values on the screen, and what in it has changed since it was looked at. */
export function PlanPanel({ plan, wasRefused = false }: PlanPanelProps): ReactNode {
  const text = useWords(planWords);
  const { preview, isCurrent, error, changes } = plan;
  const isOld = preview !== undefined && !isCurrent;
  return (
    <section className={styles.panel} aria-label={text('title')} aria-busy={!isCurrent && !error}>
      <header className={styles.head}>
        <h3>{text('title')}</h3>
        <span role="status" className={styles.quiet}>
          {isCurrent && preview ? (
            <span title={text('hash.what', { hash: preview.plan })}>
              {text('hash', { hash: preview.plan.slice(0, SHOWN_DIGITS) })} ✓
              <span className="only-read-aloud">{text('current')}</span>
            </span>
          ) : (
            !error && text(isOld ? 'old' : 'making')
          )}
        </span>
      </header>
      {error && (
        <div role="alert" className={styles.refused}>
          <b>{text('none')}</b>
          <Refusal error={error} />
          <Button onPress={() => void plan.again()}>{text('again')}</Button>
        </div>
      )}
      {changes.length > 0 && <Changed plan={plan} wasRefused={wasRefused} />}
      {preview && (
        <div className={styles.facts} data-old={isOld || undefined}>
          <PlanFacts preview={preview} />
        </div>
      )}
    </section>
  );
}

/** What has changed; the person who pressed the button that was refused is led here. */
function Changed({ plan, wasRefused }: Required<PlanPanelProps>): ReactNode {
  const text = useWords(planWords);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (wasRefused) box.current?.focus();
  }, [wasRefused]);
  return (
    <div ref={box} role="alert" tabIndex={-1} className={styles.changed}>
      <b>{text(wasRefused ? 'changed.refused' : 'changed')}</b>
      <ChangesList changes={plan.changes} />
      <Button onPress={plan.accept}>{text('changed.accept')}</Button>
    </div>
  );
}

/** One plan: who takes part and who does not, how, for how long, and every step. */
export function PlanFacts({ preview }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  const refused = refusedBecause(preview);
  return (
    <>
      {refused !== undefined && (
        <div className={styles.refused}>
          <b>{text('refused')}</b>
          <p>{refused}</p>
          {refused !== preview.refused && <ServerSays words={preview.refused ?? ''} />}
        </div>
      )}
      <div className={styles.block}>
        <TakingPart preview={preview} />
        <LeftOutNodes preview={preview} />
      </div>
      <Warnings preview={preview} />
      <Course preview={preview} />
      <PlanSteps preview={preview} />
    </>
  );
}

/** Warnings that there are words for, and whether these need the warning's data. */
const TOLD = {
  protected: false,
  secret_by_admin: false,
  raw_parameter: true,
  unused_parameter: true,
  nodes_lacking: true,
} as const;

function Warnings({ preview }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  // That all nodes are worked on at once stands with their number.
  const warnings = preview.warnings.filter(({ code }) => code !== 'all_at_once');
  if (warnings.length === 0) return null;
  const words = ({ code, text: said, data }: (typeof warnings)[number]): string => {
    const known = code in TOLD ? (code as keyof typeof TOLD) : undefined;
    // One of another release, or of a code that is not known here, is told in the API's own words.
    return known === undefined || (TOLD[known] && !data) ? said : text(`warning.${known}`, data);
  };
  return (
    <ul className={styles.warnings}>
      {warnings.map((warning) => (
        <li key={`${warning.code} ${warning.text}`}>{words(warning)}</li>
      ))}
    </ul>
  );
}

/** How many nodes are out of service at once, when it halts, and how long it takes. */
function Course({ preview }: { preview: Preview }): ReactNode {
  const text = useWords(planWords);
  const { formatNumber } = useIntl();
  const { at_once, nodes, tasks, duration, warnings } = preview;
  if (nodes.count === 0) return null;
  const budgets = [...new Set(tasks.map(({ max_failed }) => max_failed))];
  const durationWords = (found: NonNullable<typeof duration>): string => {
    const [likely, least, most] = [found.likely_ms, found.least_ms, found.most_ms].map((ms) =>
      roughDuration(ms, formatNumber),
    ) as [string, string, string];
    const tasks = '\u0000';
    return least === most
      ? text('duration.one', { likely, tasks })
      : text('duration', { likely, least, most, tasks });
  };
  const isAll = warnings.some(({ code }) => code === 'all_at_once');
  const isMade = nodes.to_make === nodes.count;
  const [before = '', after = ''] = duration ? durationWords(duration).split('\u0000') : [];
  return (
    <ul className={styles.course}>
      <li className={isAll ? styles.atOnce : undefined}>
        {isMade
          ? text('once.made', { count: at_once })
          : at_once >= nodes.count
            ? text('once.all', { count: nodes.count })
            : text('once.some', { count: at_once, share: Math.ceil((at_once / nodes.count) * 100) })}
      </li>
      {budgets.map((count) => (
        <li key={String(count)}>{count === null ? text('budget.none') : text('budget.some', { count })}</li>
      ))}
      <li>
        {duration ? (
          <>
            {before}
            {duration.task_ids.map((id, index) => (
              <span key={id}>
                {index > 0 && ', '}
                <AsideLink href={to.task(id)}>#{id}</AsideLink>
              </span>
            ))}
            {after}
          </>
        ) : (
          text('duration.none')
        )}
      </li>
    </ul>
  );
}
