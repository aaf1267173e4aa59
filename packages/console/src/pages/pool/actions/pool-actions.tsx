import type { Pool } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { useLocation } from 'wouter';
import { to } from '../../../app/addresses.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Refusal } from '../../../ui/refusal.js';
import { addressesOf, type ChosenNodes } from '../../nodes/node-list.js';
import { readSelected } from '../../nodes/read-nodes.js';
import { RunButton } from '../../run/run-button.js';
import styles from './actions.module.css';
import { DeployDialog } from './deploy-dialog.js';
import { ExpandDialog } from './expand-dialog.js';
import type { PoolCounts } from './pool-counts.js';
import { ShrinkDialog } from './shrink-dialog.js';
import { actionWords } from './words.js';

/** Characters of a list of addresses that an address of the console may carry. */
const MOST_IN_ADDRESS = 2_000;

const OPERATIONS = ['deploy', 'expand', 'shrink'] as const;

interface PoolActionsProps {
  pool: Pool;
  counts: PoolCounts;
  chosen: ChosenNodes | undefined;
  /** An operation has begun. */
  onChanged: () => void;
}

/** What is run over a pool, each with its plan. The open dialog stands in the address as `do`, so that links can open it. */
export function PoolActions({ pool, counts, chosen, onChanged }: PoolActionsProps): ReactNode {
  const text = useWords(actionWords);
  const [open, setOpen] = useQueryParam('do', '', 'step');
  // Back closes what was opened, and does not open what was closed.
  const [, setClosed] = useQueryParam('do');
  const close = (): void => {
    setClosed('');
    onChanged();
  };
  const whyNot = (name: (typeof OPERATIONS)[number]): string | undefined => {
    if (pool.tasks[name] === 0) return text(`none.${name}`);
    return name !== 'expand' && counts.nodes === 0 ? text('none.nodes') : undefined;
  };
  const asked = OPERATIONS.find((name) => name === open);
  const refused = asked && whyNot(asked);
  const operation = refused === undefined ? asked : undefined;
  return (
    <div className={styles.actions}>
      {/* A link has asked for what cannot be done. */}
      {refused !== undefined && <p role="status">{refused}</p>}
      {OPERATIONS.map((name) => (
        <Button key={name} needs="operator" impossible={whyNot(name)} onPress={() => setOpen(name)}>
          {text(name)}
        </Button>
      ))}
      <RunTemplate chosen={chosen} />
      <RunButton
        target={() => ({ pool, count: counts.nodes })}
        impossible={counts.nodes === 0 ? text('none.nodes') : undefined}
      />
      {operation === 'deploy' && <DeployDialog pool={pool} counts={counts} onClose={close} />}
      {operation === 'expand' && <ExpandDialog pool={pool} counts={counts} onClose={close} />}
      {operation === 'shrink' && <ShrinkDialog pool={pool} counts={counts} chosen={chosen} onClose={close} />}
    </div>
  );
}

/** Leads to the form of a new task with the nodes that were chosen, where a template and its values are entered. */
function RunTemplate({ chosen }: { chosen: ChosenNodes | undefined }): ReactNode {
  const text = useWords(actionWords);
  const [, navigate] = useLocation();
  const [isReading, setReading] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const open = async (): Promise<void> => {
    if (!chosen) return;
    const { selection, filters } = chosen;
    const { pool_id, status, ip, version, ...others } = filters;
    // All that match, by filters that the form has as well: they stand in its address, and a link shows the same nodes.
    if (selection.kind === 'matching' && Object.values(others).every((value) => value === undefined))
      return navigate(to.newTask({ pool: pool_id, status, ip, version }));
    setReading(true);
    setFailure(undefined);
    try {
      const nodes = addressesOf(await readSelected(selection, filters));
      if (nodes.length <= MOST_IN_ADDRESS) navigate(to.newTask({ nodes: nodes.replaceAll('\n', ', ') }));
      else navigate(to.newTask({ by: 'list' }), { state: { nodes } });
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setReading(false);
    }
  };
  return (
    <>
      <Button
        needs="operator"
        isPending={isReading}
        impossible={!chosen || chosen.count === 0 ? text('run.select') : undefined}
        onPress={() => void open()}
      >
        {text('run')}
      </Button>
      {failure && (
        <div role="alert">
          <Refusal error={failure} />
        </div>
      )}
    </>
  );
}
