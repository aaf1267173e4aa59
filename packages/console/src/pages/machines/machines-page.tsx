import { type operations, type ProviderLook, unwrap } from '@rigel/api-client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { Heading } from '../../app/heading.js';
import { useWords } from '../../text/intl.js';
import { durationText } from '../../text/time.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { Region, reasonOf } from '../../ui/region.js';
import { StateShape } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { MachineList } from './machine-list.js';
import styles from './machines.module.css';
import { UnknownList } from './unknown-list.js';
import { machineWords } from './words.js';

type Orphans = operations['machine.orphans']['responses'][200]['content']['application/json']['data'];

const KEY = ['machines'];

/** Machines at providers that no node has: nobody's, those that may have been made, and those that are being made. */
export function MachinesPage(): ReactNode {
  const common = useWords();
  const text = useWords(machineWords);
  const query = useLiveQuery<Orphans>({
    key: KEY,
    topic: 'machines',
    read: async () => unwrap(api.GET('/orphans')),
  });
  return (
    <>
      <Heading title={common('page.machines')} />
      <Region what={text('what')} query={query}>
        {(found) => (
          <div className={styles.page}>
            <Look found={found} />
            {found.last !== null && found.last.reason === '' && (
              <MachineList kind="orphans" machines={found.orphans} all={found.counts.orphans} />
            )}
            <UnknownList creations={found.unknown} all={found.counts.unknown} providers={found.providers} />
            {found.last !== null && found.last.reason === '' && (
              <>
                <MachineList kind="making" machines={found.being_made} all={found.counts.being_made} />
                <Providers providers={found.providers} />
              </>
            )}
            <AsCommand request={{ method: 'GET', path: 'orphans' }} />
          </div>
        )}
      </Region>
    </>
  );
}

/** How old what is shown is, and the button that makes it new. */
function Look({ found: { running, last } }: { found: Orphans }): ReactNode {
  const text = useWords(machineWords);
  const queries = useQueryClient();
  const look = useMutation({
    mutationFn: () => unwrap(api.POST('/orphans/check')),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const took = last === null ? '' : durationText(Date.parse(last.ended_at) - Date.parse(last.began_at));
  return (
    <section className={styles.look}>
      <div className={styles.lookLine}>
        <Button
          kind={last === null ? 'primary' : 'plain'}
          needs="operator"
          impossible={running === null ? undefined : text('looks')}
          isPending={look.isPending}
          onPress={() => look.mutate()}
        >
          {text(last === null ? 'look' : 'lookAgain')}
        </Button>
        <p role="status">
          {running !== null ? (
            <WithTime
              at={running.since_at}
              words={(time) => text('looks.since', { time, by: running.by, machines: running.progress })}
            />
          ) : last === null ? (
            text('looked.never')
          ) : (
            <WithTime
              at={last.ended_at}
              words={(time) => text('looked.at', { time, by: last.by, duration: took })}
            />
          )}
        </p>
      </div>
      <p className={styles.quiet}>{text('looked.how')}</p>
      {look.error && (
        <p className={styles.fault} role="alert">
          <StateShape state="failed" />
          {text('look.began', { reason: reasonOf(look.error) })}
        </p>
      )}
      {running === null && last !== null && last.reason !== '' && (
        <div className={styles.fault} role="alert">
          <StateShape state="failed" />
          <p>
            <strong>{text('look.failed')}</strong> {last.reason}
          </p>
        </div>
      )}
      <AsCommand request={{ method: 'POST', path: 'orphans/check' }} />
    </section>
  );
}

/** A sentence with a time in it. */
function WithTime({ at, words }: { at: string; words: (time: string) => string }): ReactNode {
  const [before = '', after = ''] = words('\u0000').split('\u0000');
  return (
    <>
      {before}
      <TimeText at={at} />
      {after}
    </>
  );
}

function Providers({ providers }: { providers: readonly ProviderLook[] }): ReactNode {
  const text = useWords(machineWords);
  return (
    <section>
      <h2>{text('providers.title')}</h2>
      {providers.length === 0 && <p className={styles.quiet}>{text('providers.none')}</p>}
      <ul className={styles.providers}>
        {providers.map(({ name, vm_type, outcome, machines, unreadable, more, reason }) => (
          <li
            key={vm_type}
            className={styles.provider}
            data-state={outcome === 'failed' ? 'failed' : 'success'}
          >
            {outcome === 'failed' && <StateShape state="failed" />}
            <b>{name}</b>
            <span>
              {outcome === 'listed' && text('provider.listed', { machines })}
              {outcome === 'cannot_list' && text('provider.cannot_list')}
              {outcome === 'failed' && text('provider.failed', { reason })}
              {unreadable > 0 && ` · ${text('provider.unreadable', { count: unreadable })}`}
              {more > 0 && ` · ${text('provider.more', { count: more })}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
