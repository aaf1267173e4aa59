import type { TaskInfo } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import type { Why } from '../use-why.js';
import styles from './actions.module.css';
import { useAsk } from './ask.js';
import { isPaused, mayStart, mayStop } from './may.js';
import { noRetry, runsThatMatch } from './retry.js';
import { actionWords } from './words.js';

/** Nodes whose release is offered in one line. */
const RELEASES = 3;

/** The actions that would remove the reasons: each opens the dialog that says what it does. */
export function WaysOut({ task, why }: { task: TaskInfo; why: Why }): ReactNode {
  const text = useWords(actionWords);
  const ask = useAsk();
  const held = (why.data?.nodes ?? []).filter(({ chain }) =>
    chain.some(({ code }) => code === 'release_node'),
  );
  const not = noRetry(task);
  const goesOn = task.state === 1 || mayStart(task);
  const canRetry = task.failed > 0 && goesOn;
  const hasBudget = task.budget !== null && goesOn && task.failed > 0;
  // A task that simply goes on has nothing to be ended, and its buttons stand in the head.
  if (!canRetry && !mayStart(task) && held.length === 0) return null;
  return (
    <p className={styles.ways}>
      {text('ways')}
      {canRetry && (
        <Button
          needs="operator"
          impossible={not && text(not)}
          onPress={() =>
            ask({
              kind: 'start',
              chosen: {
                runs: () => runsThatMatch(task.id, { state: '3' }),
                words: text('failed.words', { count: task.failed }),
              },
            })
          }
        >
          {text('ways.retry', { count: task.failed })}
        </Button>
      )}
      {hasBudget && (
        <Button
          needs="operator"
          impossible={not && text(not)}
          onPress={() => ask({ kind: 'start', budget: true })}
        >
          {text('ways.budget')}
        </Button>
      )}
      {(task.state === 0 || isPaused(task)) && (
        <Button needs="operator" onPress={() => ask({ kind: 'start' })}>
          {text(task.state === 0 ? 'start' : 'resume')}
        </Button>
      )}
      {mayStop(task) && (
        <Button kind="danger" needs="operator" onPress={() => ask({ kind: 'stop' })}>
          {text('stop')}
        </Button>
      )}
      {held.slice(0, RELEASES).map(({ run_id, ip }) => (
        <Button key={run_id} needs="operator" onPress={() => ask({ kind: 'release', nsid: run_id, ip })}>
          {text('release.open', { ip })}
        </Button>
      ))}
    </p>
  );
}
