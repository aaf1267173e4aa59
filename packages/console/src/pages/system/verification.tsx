import { unwrap } from '@rigel/api-client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { VERIFICATION, type VerificationState } from '../../app/verification-told.js';
import { useIntl, useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { CopyButton } from '../../ui/copy.js';
import { Region, reasonOf } from '../../ui/region.js';
import { StateShape } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { Is, Table } from './table.js';
import styles from './verification.module.css';
import { verificationWords } from './verification-words.js';

/** Whether the tables say what the events say: the last verification, what it found, and how to repair it. */
export function Verification(): ReactNode {
  const text = useWords(verificationWords);
  const query = useLiveQuery<VerificationState>(VERIFICATION);
  return (
    <section className={styles.verification}>
      <h2>{text('title')}</h2>
      <Region what={text('what')} query={query}>
        {(state) => (
          <div className={styles.parts}>
            <Begin state={state} />
            <Found found={state.found} all={state.differences} />
            <Services state={state} />
          </div>
        )}
      </Region>
    </section>
  );
}

function Begin({ state: { services } }: { state: VerificationState }): ReactNode {
  const text = useWords(verificationWords);
  const queries = useQueryClient();
  const isRunning = services.some(({ running }) => running !== null);
  const begin = useMutation({
    mutationFn: () => unwrap(api.POST('/verification')),
    onSettled: () => queries.invalidateQueries({ queryKey: VERIFICATION.key }),
  });
  return (
    <>
      <div className={styles.line}>
        <Button
          needs="admin"
          impossible={isRunning ? text('runs') : undefined}
          isPending={begin.isPending}
          onPress={() => begin.mutate()}
        >
          {text('verify')}
        </Button>
        <p className={styles.quiet}>{text('how')}</p>
      </div>
      {begin.error && (
        <p className={styles.fault} role="alert">
          {text('failed', { reason: reasonOf(begin.error) })}
        </p>
      )}
      <AsCommand request={{ method: 'POST', path: 'verification' }} />
    </>
  );
}

/** What differs: where, what stands there, what the events say, and the command that repairs it. */
function Found({ found, all }: { found: VerificationState['found']; all: number }): ReactNode {
  const text = useWords(verificationWords);
  if (all === 0) return null;
  const services = [...new Set(found.map(({ service }) => service))];
  const isDamaged = (service: string) =>
    found.some((one) => one.service === service && one.kind === 'history');
  return (
    <div className={styles.found}>
      <h3>
        <StateShape state="failed" />
        {text('differences', { count: all })}
      </h3>
      <ul>
        {found.map(({ service, kind, table, row, column, value, expected, text: told }) => (
          <li key={`${service} ${told}`}>
            {kind === 'history' || value + expected === '' ? (
              <span>
                {service}: {told}
              </span>
            ) : (
              <>
                <code>
                  {service}.{table} {row} {column}
                </code>
                <span>
                  {text('says.table')} <code>{value === '' ? text('noRow') : value}</code>
                </span>
                <span>
                  {text('says.events')} <code>{expected === '' ? text('noRow') : expected}</code>
                </span>
              </>
            )}
          </li>
        ))}
      </ul>
      {all > found.length && <p>{text('beyond', { count: all - found.length })}</p>}
      {services.map((service) => {
        const command = `pnpm rigel rebuild --service ${service}`;
        return isDamaged(service) ? (
          <p key={service}>{text('damaged', { service })}</p>
        ) : (
          <p key={service} className={styles.repair}>
            {text('repair', { service })} <code>{command}</code>
            <CopyButton text={command} label={text('copy', { command })} />
          </p>
        );
      })}
    </div>
  );
}

function Services({ state: { services, missing } }: { state: VerificationState }): ReactNode {
  const text = useWords(verificationWords);
  const { formatNumber } = useIntl();
  const columns = [text('service'), text('result'), text('event'), text('at'), text('took')];
  return (
    <>
      <Table title={text('services')} columns={columns} empty="" isNamed={false}>
        {services.map(({ service, running, last }) => (
          <tr key={service}>
            <th scope="row">{service}</th>
            <td>
              {running !== null ? (
                <Is look="running">{text('running', { events: running.progress })}</Is>
              ) : last === null ? (
                <Is look="initial">{text('never')}</Is>
              ) : last.reason !== '' ? (
                <Is look="stopped">{text('notDone')}</Is>
              ) : last.differences > 0 ? (
                <Is look="failed">{text('differences', { count: last.differences })}</Is>
              ) : (
                <Is look="success">{text('agrees')}</Is>
              )}
            </td>
            <td className={styles.number}>
              {last !== null && last.reason === '' && formatNumber(last.events)}
            </td>
            <td>{last !== null && <TimeText at={last.ended_at} />}</td>
            <td>
              {last !== null && durationText(Date.parse(last.ended_at) - Date.parse(last.began_at))}{' '}
              <span className={styles.quiet}>{last?.reason}</span>
            </td>
          </tr>
        ))}
      </Table>
      {missing.map(({ part, reason }) => (
        <p key={part} className={styles.quiet}>
          {text('missing', { part, reason })}
        </p>
      ))}
    </>
  );
}
