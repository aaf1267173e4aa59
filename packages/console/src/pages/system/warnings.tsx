import type { ReactNode } from 'react';
import { useLiveQuery } from '../../api/live-query.js';
import { apiRoot } from '../../app/place.js';
import { VERIFICATION, type VerificationState } from '../../app/verification-told.js';
import { useWords } from '../../text/intl.js';
import { StateShape } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import type { System } from './answer.js';
import { ranges } from './ranges.js';
import styles from './system-page.module.css';
import { systemWords } from './words.js';

/** A follower this far behind is worth a word; less is what is just on its way. */
const BEHIND = 1_000;

interface Warning {
  key: string;
  says: ReactNode;
}

/** What is wrong now, in words. */
export function Warnings({ system }: { system: System }): ReactNode {
  const text = useWords(systemWords);
  const warnings = useWarnings(system);
  return (
    <section>
      <h2>{text('warnings.title')}</h2>
      {warnings.length === 0 ? (
        <p className={styles.is} data-state="success">
          <StateShape state="success" />
          <span className={styles.quiet}>{text('warnings.none')}</span>
        </p>
      ) : (
        <ul className={styles.warnings}>
          {warnings.map(({ key, says }) => (
            <li key={key} data-state="failed">
              <StateShape state="failed" />
              <span>{says}</span>
            </li>
          ))}
        </ul>
      )}
      {warnings.length > 0 && (
        <p>
          <a href={new URL('docs', apiRoot).href}>{text('runbook')}</a>
        </p>
      )}
    </section>
  );
}

function useWarnings(system: System): Warning[] {
  const text = useWords(systemWords);
  const { parts, executors, schedulers, unowned, lags, missing } = system;
  const { data: verified } = useLiveQuery<VerificationState>(VERIFICATION);
  const warnings: Warning[] = [];
  if (verified !== undefined && verified.differences > 0)
    warnings.push({ key: 'differences', says: text('warn.differs', { count: verified.differences }) });
  for (const { part, state, checks } of parts) {
    if (state === 'ok') continue;
    const reason = Object.entries(checks)
      .filter(([, says]) => says !== 'ok')
      .map(([name, says]) => (name === 'answer' ? says : `${name}: ${says}`))
      .join('; ');
    warnings.push({ key: part, says: text(`warn.${state}`, { part, reason }) });
  }
  if (unowned !== null && unowned.length > 0) {
    const says = text('warn.unowned', { numbers: ranges(unowned) });
    warnings.push({ key: 'unowned', says });
  }
  for (const { session, partitions } of schedulers ?? []) {
    if (partitions.length === 0)
      warnings.push({ key: `session ${session}`, says: text('warn.idle', { session: String(session) }) });
  }
  if (executors !== null && !executors.some(({ present }) => present))
    warnings.push({ key: 'no executor', says: text('warn.noExecutor') });
  for (const { name, present, heard_at, taken } of executors ?? []) {
    if (present || taken === 0) continue;
    const [before = '', after = ''] = text('warn.gone', { name, taken, time: '\u0000' }).split('\u0000');
    const says = (
      <>
        {before}
        <TimeText at={heard_at} />
        {after}
      </>
    );
    warnings.push({ key: name, says });
  }
  for (const { service, follows, name, behind } of lags) {
    if (behind >= BEHIND)
      warnings.push({
        key: `${service} ${follows}`,
        says: text('warn.behind', { service, follows, name, behind }),
      });
  }
  for (const { part, reason } of missing) {
    const told = parts.some((one) => one.state === 'away' && part.includes(one.part));
    if (!told) warnings.push({ key: `missing ${part}`, says: text('warn.missing', { part, reason }) });
  }
  return warnings;
}
