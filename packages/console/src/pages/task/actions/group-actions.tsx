import type { FailureGroup, TaskInfo } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../../app/addresses.js';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { CopyButton } from '../../../ui/copy.js';
import type { GridModel } from '../grid/grid-model.js';
import { addressesOf } from '../runs-table.js';
import styles from '../task.module.css';
import { useAsk } from './ask.js';
import { noRetry, runsThatMatch } from './retry.js';
import { actionWords } from './words.js';

const SUCCEEDED = 2;

/** What can be done with all nodes that failed alike. */
export function GroupActions({ task, group }: { task: TaskInfo; group: FailureGroup }): ReactNode {
  const text = useWords(actionWords);
  const ask = useAsk();
  const not = noRetry(task);
  const filter = { state: '3', step: group.step, reason: group.reason };
  const { count, step, reason } = group;
  return (
    <p className={styles.links}>
      <Link href={to.task(task.id, { view: 'table', ...filter })}>{text('group.show')}</Link>
      <CopyButton text={() => addressesOf(task.id, filter)}>{text('group.copy')}</CopyButton>
      <Button
        kind="quiet"
        needs="operator"
        impossible={not && text(not)}
        onPress={() =>
          ask({
            kind: 'start',
            chosen: {
              runs: () => runsThatMatch(task.id, filter),
              words: text('group.words', { count, step, reason }),
            },
          })
        }
      >
        {text('group.retry')}
      </Button>
      <Link href={to.newTask({ template: task.template_id, from: task.id, ...filter })}>
        {text('group.new')}
      </Link>
    </p>
  );
}

interface SelectionActionsProps {
  task: TaskInfo;
  model: GridModel;
  /** Indexes of the selected runs. */
  selected: ReadonlySet<number>;
}

/** The same for nodes that somebody selected; those that succeeded stay as they are. */
export function SelectionActions({ task, model, selected }: SelectionActionsProps): ReactNode {
  const text = useWords(actionWords);
  const ask = useAsk();
  const not = noRetry(task);
  const open = [...selected].filter((index) => model.state[index] !== SUCCEEDED);
  return (
    <Button
      kind="quiet"
      needs="operator"
      impossible={open.length === 0 ? text('retry.over') : not && text(not)}
      onPress={() =>
        ask({
          kind: 'start',
          chosen: {
            runs: async () => open.map((index) => model.firstId + index),
            words: text('selected.words', { count: open.length }),
          },
        })
      }
    >
      {text('group.retry')}
    </Button>
  );
}
