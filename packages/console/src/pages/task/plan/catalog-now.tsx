import type { PlanDifference } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../../app/addresses.js';
import { isOneOff } from '../../../plan/one-off.js';
import { useWords } from '../../../text/intl.js';
import { type StateName, StateShape } from '../../../ui/state.js';
import type { RecordedPlan } from './answer.js';
import { Beside } from './beside.js';
import styles from './recorded.module.css';
import { recordedWords } from './words.js';

const SHAPES: Record<RecordedPlan['catalog']['state'], StateName> = {
  same: 'success',
  changed: 'stopped',
  deleted: 'stopped',
  unusable: 'failed',
  unknown: 'initial',
};

/** What the template of a task is now, and each way in which it differs from what the task was recorded with. */
export function CatalogNow({ plan: { template, catalog } }: { plan: RecordedPlan }): ReactNode {
  const text = useWords(recordedWords);
  const { state, reason, name, values, differences, total } = catalog;
  if (isOneOff(template)) return null;
  return (
    <section className={styles.catalog} aria-label={text('catalog')}>
      <h2>{text('catalog')}</h2>
      <p data-state={state}>
        <StateShape state={SHAPES[state]} />{' '}
        {text(`state.${state}`, { name: name || template.name, count: total })}{' '}
        {name !== '' && name !== template.name && text('renamed', { name: template.name })} {reason}
      </p>
      {!values && (state === 'same' || state === 'changed') && (
        <p className={styles.quiet}>{text('values.not')}</p>
      )}
      {groupsOf(differences).map((group) => (
        <StepDifferences key={group.key} group={group} />
      ))}
      {total > differences.length && (
        <p className={styles.quiet}>{text('more', { count: total - differences.length })}</p>
      )}
      <p>
        <Link href={to.template(template.id, { tab: 'history' })}>{text('history')}</Link>
      </p>
    </section>
  );
}

interface Group {
  key: string;
  step: string;
  number: number | null;
  differences: PlanDifference[];
}

/** The differences of each step together, in the order of the API. */
function groupsOf(differences: readonly PlanDifference[]): Group[] {
  const groups = new Map<string, Group>();
  for (const difference of differences) {
    const { step, step_num, step_num_now } = difference;
    const key = `${step_num} ${step_num_now}`;
    const group = groups.get(key) ?? { key, step, number: step_num ?? step_num_now, differences: [] };
    group.differences.push(difference);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const isText = ({ kind }: PlanDifference): boolean => kind === 'script' || kind === 'action';

/** The differences of one step: what is short in a table, texts beside each other. */
function StepDifferences({ group: { step, number, differences } }: { group: Group }): ReactNode {
  const text = useWords(recordedWords);
  const short = differences.filter((one) => !isText(one) && one.kind !== 'step');
  const whole = differences.find(({ kind }) => kind === 'step');
  return (
    <div className={styles.group}>
      <h3>
        {number} <code>{step}</code>
      </h3>
      {whole && <p>{text(whole.now === null ? 'difference.step.gone' : 'difference.step.new')}</p>}
      {short.length > 0 && (
        <table className={styles.short}>
          <thead>
            <tr className={styles.heads}>
              <th scope="col">{text('difference')}</th>
              <th scope="col">{text('recorded')}</th>
              <th scope="col">{text('now')}</th>
            </tr>
          </thead>
          <tbody>
            {short.map((one) => (
              <tr key={`${one.kind} ${one.name}`}>
                <th scope="row">{titleOf(one, text)}</th>
                <td>{sideOf(one, one.recorded, text)}</td>
                <td>{sideOf(one, one.now, text)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {differences.filter(isText).map((one) => (
        <div key={`${one.kind} ${one.name}`} className={styles.script}>
          <p className={styles.line}>
            <b>{titleOf(one, text)}</b>
            <Link href={to.catalog({ tab: 'actions', q: one.name })}>
              {text('history.of', { name: one.name })}
            </Link>
          </p>
          <Beside
            label={`${step}: ${titleOf(one, text)}`}
            before={one.recorded ?? ''}
            after={one.now ?? ''}
          />
        </div>
      ))}
    </div>
  );
}

type Text = ReturnType<typeof useWords<keyof (typeof recordedWords)['en-US']>>;

function titleOf({ kind, name, now }: PlanDifference, text: Text): string {
  if (kind === 'action')
    return text(now === null ? 'difference.action.gone' : 'difference.action.new', { name });
  return kind === 'step' ? '' : text(`difference.${kind}`, { name });
}

/** One side of a difference as people read it. */
function sideOf({ kind }: PlanDifference, value: string | null, text: Text): ReactNode {
  switch (kind) {
    case 'ignore_error':
    case 'reboot':
      return text(value === 'true' ? 'yes' : 'no');
    case 'timeout':
    case 'stop_grace':
    case 'ready_wait':
      return value === null ? text('default') : text('seconds', { seconds: Number(value) });
    case 'module':
      return value === 'shell' || value === 'longscript' || value === 'noop'
        ? text(`module.${value}`)
        : value;
    default:
      return value === null || value === '' ? text('none') : <code>{value}</code>;
  }
}
