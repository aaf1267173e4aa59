import type { ProviderLook, UnknownCreation } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import { TimeText } from '../../ui/time-text.js';
import { Listed } from './listed.js';
import styles from './machines.module.css';
import { Maker } from './maker.js';
import { machineWords } from './words.js';

interface UnknownListProps {
  creations: readonly UnknownCreation[];
  all: number;
  providers: readonly ProviderLook[];
}

/** Requests for a machine whose answer was lost, as the events have them now. */
export function UnknownList({ creations, all, providers }: UnknownListProps): ReactNode {
  const text = useWords(machineWords);
  const nameOf = (vm_type: number): string =>
    providers.find((one) => one.vm_type === vm_type)?.name ??
    text('provider.number', { number: String(vm_type) });
  return (
    <Listed
      title={text('unknown.title')}
      todo={text('unknown.do')}
      none={text('unknown.none')}
      look="failed"
      rows={creations}
      all={all}
    >
      {(creation) => {
        const { run_id, attempt, step, vm_type, at, reason } = creation;
        return (
          <li key={`${run_id} ${step} ${attempt}`} className={`${styles.row} ${styles.unknown}`}>
            <dl className={styles.facts}>
              <div>
                <dt>{text('address')}</dt>
                <dd>{text('address.unknown')}</dd>
              </div>
              <div>
                <dt>{text('provider')}</dt>
                <dd>{vm_type === null ? text('provider.unknown') : nameOf(vm_type)}</dd>
              </div>
              <div>
                <dt>{text('asked')}</dt>
                <dd>
                  <TimeText at={at} />
                </dd>
              </div>
              <div>
                <dt>{text('by')}</dt>
                <dd>
                  <Maker maker={creation} />
                </dd>
              </div>
            </dl>
            <p className={styles.reason}>{reason}</p>
          </li>
        );
      }}
    </Listed>
  );
}
