import { unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { Heading } from '../../app/heading.js';
import { useIntl, useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Region } from '../../ui/region.js';
import type { StateName } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import type { System } from './answer.js';
import { ranges } from './ranges.js';
import styles from './system-page.module.css';
import { Is, Table } from './table.js';
import { Verification } from './verification.js';
import { Warnings } from './warnings.js';
import { systemWords } from './words.js';

/** The processes of the system: what each is, is not, and since when. It works while parts are away, and says which. */
export function SystemPage(): ReactNode {
  const common = useWords();
  const text = useWords(systemWords);
  const query = useLiveQuery<System>({
    key: ['system'],
    topic: 'system',
    read: async () => unwrap(api.GET('/system')),
  });
  return (
    <>
      <Heading title={common('page.system')}>
        {query.data && (
          <span className={styles.release}>{text('release', { release: query.data.release })}</span>
        )}
      </Heading>
      <Region what={text('what')} query={query}>
        {(system) => (
          <div className={styles.system}>
            <Warnings system={system} />
            <Parts system={system} />
            <Executors system={system} />
            <Schedulers system={system} />
            <Lags system={system} />
            <Verification />
            <AsCommand request={{ method: 'GET', path: 'system' }} />
          </div>
        )}
      </Region>
    </>
  );
}

/** The words of an executor's name before the digits that only tell it from others of its kind. */
const shortName = (name: string): string => name.replace(/-[a-z\d]{20,}$/, '');

const LOOKS = { ok: 'success', not_ready: 'initial', away: 'failed' } as const satisfies Record<
  string,
  StateName
>;

function Parts({ system: { parts } }: { system: System }): ReactNode {
  const text = useWords(systemWords);
  const columns = [text('part'), text('state'), text('since'), text('checks')];
  return (
    <Table title={text('parts.title')} columns={columns} empty="">
      {parts.map(({ part, state, since_at, checks }) => (
        <tr key={part}>
          <th scope="row">{part}</th>
          <td>
            <Is look={LOOKS[state]}>{text(`state.${state}`)}</Is>
          </td>
          <td>
            <TimeText at={since_at} />
          </td>
          <td className={styles.quiet}>
            {Object.entries(checks)
              .map(([name, says]) => `${name}: ${says}`)
              .join(' · ')}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Why a list is not there. */
function whyMissing({ missing }: System, part: string): string {
  return missing.find((one) => one.part === part)?.reason ?? '';
}

function Executors({ system }: { system: System }): ReactNode {
  const text = useWords(systemWords);
  const { executors } = system;
  const columns = [
    text('executor'),
    text('state'),
    text('slots'),
    text('capabilities'),
    text('heard'),
    text('waits'),
  ];
  const empty =
    executors === null
      ? text('missing', { reason: whyMissing(system, 'scheduling') })
      : text('executors.none');
  return (
    <Table title={text('executors.title')} columns={columns} empty={empty}>
      {(executors ?? []).map(({ name, present, slots, taken, capabilities, heard_at, waiting }) => (
        <tr key={name}>
          <th scope="row" title={name}>
            {shortName(name)}
          </th>
          <td>
            <Is look={present ? 'success' : 'failed'}>{text(present ? 'present.yes' : 'present.no')}</Is>
          </td>
          <td>
            <span className={styles.slots}>
              <meter min={0} max={Math.max(1, slots)} value={taken} aria-label={text('slots')} />
              {text('taken', { taken, slots })}
            </span>
          </td>
          <td>{capabilities.join(', ')}</td>
          <td>
            <TimeText at={heard_at} />
          </td>
          <td className={styles.quiet}>
            {waiting[0]?.what ?? ''} {waiting.length > 1 && text('waitsMore', { count: waiting.length - 1 })}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Schedulers({ system }: { system: System }): ReactNode {
  const text = useWords(systemWords);
  const { schedulers, offers } = system;
  const empty =
    schedulers === null
      ? text('missing', { reason: whyMissing(system, 'scheduling') })
      : text('schedulers.none');
  const waiting = (offers ?? []).filter((one) => one.offers > 0);
  const list = waiting.map((one) => `${one.capability} ${one.offers}`).join(', ') || text('offers.none');
  return (
    <>
      <Table
        title={text('schedulers.title')}
        columns={[text('scheduler'), text('since'), text('partitions')]}
        empty={empty}
      >
        {(schedulers ?? []).map(({ session, since_at, partitions }) => (
          <tr key={session}>
            <th scope="row">{session}</th>
            <td>
              <TimeText at={since_at} />
            </td>
            <td>{partitions.length === 0 ? text('partitions.none') : ranges(partitions)}</td>
          </tr>
        ))}
      </Table>
      {offers !== null && <p className={styles.quiet}>{text('offers', { list })}</p>}
    </>
  );
}

function Lags({ system: { lags } }: { system: System }): ReactNode {
  const text = useWords(systemWords);
  const { formatNumber } = useIntl();
  const columns = [text('follower'), text('follows'), text('position'), text('behind')];
  return (
    <Table title={text('lags.title')} columns={columns} empty={text('unknown')}>
      {lags.map(({ service, follows, name, position, behind }) => (
        <tr key={`${service} ${name} ${follows}`}>
          <th scope="row">
            {service} <span className={styles.quiet}>{name}</span>
          </th>
          <td>{follows}</td>
          <td className={styles.number}>{formatNumber(position)}</td>
          <td className={styles.number}>{formatNumber(behind)}</td>
        </tr>
      ))}
    </Table>
  );
}
