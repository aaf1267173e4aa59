import type { Attempt, AttemptLease } from '@rigel/api-client';
import { Fragment, type ReactNode } from 'react';
import { useIntl, useWords } from '../../../text/intl.js';
import { durationText } from '../../../text/time.js';
import { CopyButton } from '../../../ui/copy.js';
import { TimeText } from '../../../ui/time-text.js';
import styles from './run.module.css';
import { runWords } from './words.js';

/** Why a command ran once and no more: its name on the node, who held it, how it ended, each with the event that says so. */
export function Receipt({ attempt, proof }: { attempt: Attempt; proof: () => string }): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const { output, key, folder, started_at, finished_at } = attempt;
  const event = (version: number) => (
    <small>{text('receipt.event', { version: formatNumber(version) })}</small>
  );
  return (
    <section className={styles.receipt}>
      <header>
        <h3>{text('receipt.title', { attempt: attempt.attempt })}</h3>
        <CopyButton text={proof}>{text('receipt.copy')}</CopyButton>
      </header>
      <dl>
        <dt>{text('receipt.name')}</dt>
        <dd>
          <code>{key}</code>
        </dd>
        <dt>{text('receipt.allowed')}</dt>
        <dd>
          <TimeText at={attempt.authorised_at} withDate={false} /> {event(attempt.authorised_version)}
        </dd>
        <dt>{text('receipt.began')}</dt>
        <dd>
          {started_at === null ? (
            text(attempt.state === 'running' ? 'receipt.running' : 'receipt.unknown')
          ) : (
            <TimeText at={started_at} withDate={false} />
          )}
        </dd>
        {attempt.leases.map((lease) => (
          <Fragment key={`${lease.lease}.${lease.from_version}`}>
            <dt>
              {executorName(lease)} <small>{text('receipt.lease', { lease: lease.lease })}</small>
            </dt>
            <dd>
              {text(`receipt.${lease.how}`)} <TimeText at={lease.from_at} withDate={false} />{' '}
              {event(lease.from_version)}
              {lease.over !== null && lease.until_at !== null && lease.until_version !== null && (
                <>
                  <br />
                  {text(`receipt.over.${lease.over}`)} <TimeText at={lease.until_at} withDate={false} />{' '}
                  {event(lease.until_version)}
                </>
              )}
            </dd>
          </Fragment>
        ))}
        {finished_at !== null && (
          <>
            <dt>{text('receipt.ended')}</dt>
            <dd>
              <TimeText at={finished_at} withDate={false} />
              {attempt.exit_code !== null && `, ${text('receipt.exit', { code: attempt.exit_code })}`}
              {started_at !== null &&
                `, ${text('receipt.after', { time: durationText(Date.parse(finished_at) - Date.parse(started_at)) })}`}{' '}
              {attempt.ended_version !== null && event(attempt.ended_version)}
            </dd>
          </>
        )}
        {attempt.may_run && (
          <>
            <dt>{text('receipt.mayRun')}</dt>
            <dd className={styles.warning}>{text('receipt.mayRun.what')}</dd>
          </>
        )}
        {folder !== null && (
          <>
            <dt>{text('receipt.folder')}</dt>
            <dd>
              <code>{folder}</code> {attempt.note}
            </dd>
          </>
        )}
        <dt>{text('receipt.output')}</dt>
        <dd>
          {output.bytes === 0
            ? text('receipt.noOutput')
            : output.dropped === 0
              ? text('receipt.whole', { bytes: formatNumber(output.bytes) })
              : text('receipt.gap', {
                  bytes: formatNumber(output.bytes),
                  dropped: formatNumber(output.dropped),
                })}
        </dd>
      </dl>
    </section>
  );
}

/** Without what tells two processes of the same name apart. */
function executorName({ executor }: AttemptLease): string {
  return executor.replace(/-[a-z0-9]{20,}$/, '');
}
