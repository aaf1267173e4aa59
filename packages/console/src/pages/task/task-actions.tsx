import type { TaskInfo } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { ActionMenu } from '../../ui/menu.js';
import styles from './actions/actions.module.css';
import { useAsk } from './actions/ask.js';
import { hasEnded, mayStart, mayStop } from './actions/may.js';
import { PauseButton } from './actions/pause-button.js';
import { noRetry, runsThatMatch } from './actions/retry.js';
import { actionWords } from './actions/words.js';

/** Pause, start and stop of a task, and behind the last button what is needed less often. */
export function TaskActions({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(actionWords);
  const ask = useAsk();
  const [, navigate] = useLocation();
  const not = noRetry(task);
  return (
    <div className={styles.actions}>
      <PauseButton task={task} />
      {mayStart(task) && (
        <Button needs="operator" onPress={() => ask({ kind: 'start' })}>
          {text(task.state === 0 ? 'start' : 'resume')}
        </Button>
      )}
      {hasEnded(task) && (
        <Button needs={task.one_off ? 'run' : 'operator'} onPress={() => ask({ kind: 'again' })}>
          {text('again')}
        </Button>
      )}
      {mayStop(task) && (
        <Button kind="danger" needs="operator" onPress={() => ask({ kind: 'stop' })}>
          {text('stop')}
        </Button>
      )}
      <ActionMenu
        label={text('menu.label')}
        actions={[
          {
            name: 'pause',
            words: text('menu.pause'),
            onAction: () => ask({ kind: 'pause' }),
            needs: 'operator',
            impossible: task.state === 1 ? undefined : text('pause.notRunning'),
          },
          {
            name: 'retry',
            words: text('menu.retry'),
            onAction: () =>
              ask({
                kind: 'start',
                chosen: {
                  runs: () => runsThatMatch(task.id, { state: '3' }),
                  words: text('failed.words', { count: task.failed }),
                },
              }),
            needs: 'operator',
            impossible: task.failed === 0 ? text('retry.over') : not && text(not),
          },
          {
            name: 'budget',
            words: text('menu.budget'),
            onAction: () => ask({ kind: 'start', budget: true }),
            needs: 'operator',
            impossible: not && text(not),
          },
          ...(task.one_off
            ? []
            : [
                {
                  name: 'again',
                  words: text('menu.again'),
                  onAction: () =>
                    navigate(to.newTask({ template: task.template_id, like: task.id, from: task.id })),
                  needs: 'operator' as const,
                },
              ]),
        ]}
      />
    </div>
  );
}
