import { type NodeSelection, type RecordedStep, type TaskInfo, unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { to } from '../../../app/addresses.js';
import { OneStep } from '../../../plan/plan-steps.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { AsCommand } from '../../../ui/as-command.js';
import { Region } from '../../../ui/region.js';
import { PlacementTable } from '../../catalog/action/placement.js';
import task from '../task.module.css';
import type { RecordedPlan } from './answer.js';
import { CatalogNow } from './catalog-now.js';
import styles from './recorded.module.css';
import { recordedWords } from './words.js';

/** How often the catalog is compared again, in milliseconds: the plan itself never changes. */
const POLL_MS = 30_000;

/** The task as it was recorded: batches, gate, what runs on each node; and what its template has become since. */
export function PlanTab({
  task: { id, nodes, batches, step_len, gate, options },
}: {
  task: TaskInfo;
}): ReactNode {
  const text = useWords(recordedWords);
  const { formatNumber } = useIntl();
  const query = useLiveQuery<RecordedPlan>({
    key: ['task', id, 'plan'],
    read: () => unwrap(api.GET('/task/{id}/plan', { params: { path: { id } } })),
    pollMs: POLL_MS,
  });
  return (
    <div className={task.scroll}>
      <div className={styles.page}>
        <p>{text('size', { nodes: formatNumber(nodes), batches, size: formatNumber(step_len) })}</p>
        {gate && (
          <p>
            {text('gate', { step: gate.before })}{' '}
            {gate.waits_for.map(({ task_id, pool_name, step }) => (
              <Link key={task_id} href={to.task(task_id)}>
                {text('gate.task', { id: task_id, pool: pool_name, step })}
              </Link>
            ))}{' '}
            {gate.open && text('gate.open')}
          </p>
        )}
        <Region what={text('what')} query={query}>
          {(plan) => (
            <div className={styles.parts}>
              {plan.select && <Selected select={plan.select} />}
              <CatalogNow plan={plan} />
              <section>
                <h2>{text('steps')}</h2>
                <p className={styles.quiet}>{text('alike')}</p>
                <ol className={styles.steps}>
                  {plan.steps.map((step, index) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place.
                    <li key={index}>
                      <Recorded step={step} option={options[index]} />
                    </li>
                  ))}
                </ol>
              </section>
            </div>
          )}
        </Region>
        <AsCommand request={{ method: 'GET', path: `task/${id}/plan` }} />
      </div>
    </div>
  );
}

/** What chose the nodes of the task when it was made. */
function Selected({ select }: { select: NodeSelection }): ReactNode {
  const text = useWords(recordedWords);
  const { labels, status, pools, limit, order } = select;
  const facts = [
    ...(status ? [text(`select.${status}`)] : []),
    ...(pools ? [text('select.pools', { pools: pools.join(', ') })] : []),
    ...(limit === undefined ? [] : [text('select.first', { count: limit })]),
    ...(order === undefined ? [] : [text('select.order', { order })]),
  ];
  return (
    <p>
      {text('select')} {labels !== undefined && <code>{labels}</code>}
      {facts.length > 0 && <span className={styles.quiet}> {facts.join(' · ')}</span>}
    </p>
  );
}

/** One step: what it gets, what it runs, and where in that each value lands. */
function Recorded({
  step,
  option,
}: {
  step: RecordedStep;
  option: TaskInfo['options'][number] | undefined;
}): ReactNode {
  const text = useWords(recordedWords);
  const facts = [
    ...(step.kind === 'remote' ? [] : [text('step.provider')]),
    ...(option?.stop_grace === undefined ? [] : [text('step.grace', { seconds: option.stop_grace })]),
    ...(option?.reboot ? [text('step.reboot')] : []),
    ...(option?.ready_wait === undefined ? [] : [text('step.ready', { seconds: option.ready_wait })]),
  ];
  return (
    <OneStep
      step={step}
      facts={facts}
      sourceOf={(source) => text(`source.${source}`)}
      under={(action) => <Placed action={action} step={step.name} />}
    />
  );
}

function Placed({ action, step }: { action: RecordedStep['actions'][number]; step: string }): ReactNode {
  const text = useWords(recordedWords);
  if (action.places.length === 0) return null;
  const where = `${step}: ${action.name}`;
  return (
    <div className={styles.placed}>
      <h4>{text('placement.title')}</h4>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reached by keyboard. */}
      <ol className={styles.text} tabIndex={0} aria-label={text('text', { action: where })}>
        {action.text.split('\n').map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place.
          <li key={index}>
            <code>{line || ' '}</code>
          </li>
        ))}
      </ol>
      <PlacementTable label={text('placement', { action: where })} uses={action.places} />
      {action.places.length === MOST_PLACES && (
        <p className={styles.quiet}>{text('placement.more', { count: MOST_PLACES })}</p>
      )}
    </div>
  );
}

/** As many places as the API lists. */
const MOST_PLACES = 200;
