import { type AuditEntry, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { CopyButton } from '../../ui/copy.js';
import { SidePanel } from '../../ui/panel.js';
import { Region } from '../../ui/region.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './audit-page.module.css';
import { OutcomeBadge } from './outcome-badge.js';
import { addressOf } from './target.js';
import { auditWords } from './words.js';

/** What a target is, as a link if there is a page for it. */
export function Target({ line: { target, name } }: { line: AuditEntry }): ReactNode {
  const address = addressOf(target);
  return (
    <>
      {address === undefined ? target : <Link href={address}>{target}</Link>}
      {name !== '' && ` ${name}`}
    </>
  );
}

/** A line of the audit in full, with all that its request did. */
export function LinePanel({ line, onClose }: { line: AuditEntry; onClose: () => void }): ReactNode {
  const text = useWords(auditWords);
  const only = (filter: Record<string, string>) => <Link href={to.audit(filter)}>{text('filterBy')}</Link>;
  return (
    <SidePanel title={line.action} onClose={onClose}>
      <dl className={styles.facts}>
        <dt>{text('time')}</dt>
        <dd>
          <TimeText at={line.time_at} />
        </dd>
        <dt>{text('outcome')}</dt>
        <dd>
          <OutcomeBadge outcome={line.outcome} times={line.times} />
        </dd>
        {line.status !== 0 && (
          <>
            <dt>{text('status')}</dt>
            <dd>{line.status}</dd>
          </>
        )}
        {line.reason !== '' && (
          <>
            <dt>{text('reason')}</dt>
            <dd>{line.reason}</dd>
          </>
        )}
        <dt>{text('operator')}</dt>
        <dd>
          {line.operator} {line.operator !== '' && only({ operator: line.operator })}
        </dd>
        {line.target !== '' && (
          <>
            <dt>{text('target')}</dt>
            <dd>
              <Target line={line} /> {only({ target: line.target })}
            </dd>
          </>
        )}
        <dt>{text('client')}</dt>
        <dd>{line.client}</dd>
        {line.correlation_id !== '' && (
          <>
            <dt>{text('correlation')}</dt>
            <dd>
              <code>{line.correlation_id}</code> <CopyButton text={line.correlation_id} />
            </dd>
          </>
        )}
      </dl>
      {line.correlation_id !== '' && <Group id={line.correlation_id} />}
      <AsCommand
        request={{ method: 'GET', path: `audit?correlation_id=${encodeURIComponent(line.correlation_id)}` }}
      />
    </SidePanel>
  );
}

function Group({ id }: { id: string }): ReactNode {
  const text = useWords(auditWords);
  const query = useQuery({
    queryKey: ['audit', 'request', id],
    queryFn: () => unwrap(api.GET('/audit', { params: { query: { correlation_id: id, page_size: 200 } } })),
  });
  return (
    <>
      <h3>{text('group')}</h3>
      <Region what={text('group')} query={query}>
        {(lines) => (
          <ul className={styles.group}>
            {lines.map((line) => (
              <li key={line.id}>
                <OutcomeBadge outcome={line.outcome} times={line.times} />
                <span>{line.action}</span>
                <span>
                  <Target line={line} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Region>
    </>
  );
}
