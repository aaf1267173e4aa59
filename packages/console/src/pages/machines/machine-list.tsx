import type { UnownedMachine } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWords } from '../../text/intl.js';
import { CopyButton } from '../../ui/copy.js';
import { TimeText } from '../../ui/time-text.js';
import { Listed } from './listed.js';
import styles from './machines.module.css';
import { Maker } from './maker.js';
import { machineWords } from './words.js';

const LISTS = {
  orphans: { title: 'orphans.title', todo: 'orphans.do', none: 'orphans.none', look: 'failed' },
  making: { title: 'making.title', todo: 'making.do', none: 'making.none', look: 'running' },
} as const;

interface MachineListProps {
  kind: keyof typeof LISTS;
  machines: readonly UnownedMachine[];
  all: number;
}

/** Machines that a provider has and no node has. */
export function MachineList({ kind, machines, all }: MachineListProps): ReactNode {
  const text = useWords(machineWords);
  const { title, todo, none, look } = LISTS[kind];
  return (
    <Listed title={text(title)} todo={text(todo)} none={text(none)} look={look} rows={machines} all={all}>
      {(machine) => <Machine key={`${machine.vm_type} ${machine.vm_id}`} machine={machine} />}
    </Listed>
  );
}

function Machine({ machine }: { machine: UnownedMachine }): ReactNode {
  const text = useWords(machineWords);
  const { provider, vm_id, ip, made_at, maker } = machine;
  return (
    <li className={styles.row}>
      <span className={styles.machine}>
        <code>{vm_id}</code>
        <CopyButton text={vm_id} label={text('copy', { id: vm_id })} />
      </span>
      <dl className={styles.facts}>
        <div>
          <dt>{text('address')}</dt>
          <dd>{ip === '' ? text('address.none') : ip}</dd>
        </div>
        <div>
          <dt>{text('provider')}</dt>
          <dd>{provider}</dd>
        </div>
        <div>
          <dt>{text('made')}</dt>
          <dd>{made_at === null ? text('made.unknown') : <TimeText at={made_at} />}</dd>
        </div>
        <div>
          <dt>{text('by')}</dt>
          <dd>{maker === null ? text('by.none') : <Maker maker={maker} />}</dd>
        </div>
      </dl>
    </li>
  );
}
