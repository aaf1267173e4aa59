import { type PlacedNode, type Pool, unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { to } from '../../../app/addresses.js';
import { AsideLink } from '../../../plan/aside-link.js';
import { PlanDialog } from '../../../plan/plan-form.js';
import { startedTasks } from '../../../plan/started-tasks.js';
import { useWords } from '../../../text/intl.js';
import { CountInput, countOf } from '../../../ui/count-input.js';
import { Region } from '../../../ui/region.js';
import { STATES, StateBadge } from '../../../ui/state.js';
import { TimeText } from '../../../ui/time-text.js';
import { readOldestNodes } from '../../nodes/read-nodes.js';
import styles from './actions.module.css';
import type { PoolCounts } from './pool-counts.js';
import { actionWords } from './words.js';

/** Machines that one expand makes at most. */
const MOST = 200;
/** Earlier expands that are shown. */
const EARLIER = 3;
/** Stands in place of the address of a node that has none. */
const NO_ADDRESS = '-';
/** Nodes without a machine that are looked at. */
const LEFT = 1_000;

interface ExpandDialogProps {
  pool: Pool;
  counts: PoolCounts;
  onClose: () => void;
}

/** Adds machines to a pool; shows what earlier expands have made, and what they left. */
export function ExpandDialog({ pool, counts, onClose }: ExpandDialogProps): ReactNode {
  const text = useWords(actionWords);
  const [typed, setTyped] = useState('');
  const num = countOf(typed, 1, MOST);
  const isCount = num !== undefined && !Number.isNaN(num);
  const path = { id: pool.id };
  return (
    <PlanDialog
      title={text('expand.title', { pool: pool.name })}
      onClose={onClose}
      body={isCount ? { num } : undefined}
      missing={isCount ? undefined : text('expand.num.missing')}
      preview={(body) => unwrap(api.POST('/pool/expand/{id}/preview', { params: { path }, body }))}
      run={({ num, if_plan }, header) =>
        startedTasks(api.POST('/pool/expand/{id}', { params: { path, header }, body: { num, if_plan } }))
      }
      path={`pool/expand/${pool.id}`}
      action={(preview) => {
        const count = preview?.nodes.count ?? (isCount ? num : undefined);
        return count === undefined ? text('expand.verb') : text('expand.action', { count });
      }}
    >
      <CountInput
        label={text('expand.num')}
        value={typed}
        onChange={setTyped}
        hint={
          isCount
            ? text('expand.after', { count: counts.nodes + num, now: counts.nodes })
            : text('expand.num.hint')
        }
        error={Number.isNaN(num) ? text('expand.num.error') : undefined}
        isRequired
        autoFocus
      />
      <WithoutMachine poolId={pool.id} />
      <EarlierExpands pool={pool} />
    </PlanDialog>
  );
}

/** Nodes of the pool that earlier expands entered and that have no machine yet, by the task that holds them. */
function WithoutMachine({ poolId }: { poolId: number }): ReactNode {
  const text = useWords(actionWords);
  const query = useLiveQuery({
    key: ['pool', poolId, 'without machine'],
    read: () => readOldestNodes({ pool_id: poolId, ip: NO_ADDRESS }, LEFT, ({ ip }) => ip === NO_ADDRESS),
  });
  return (
    <section>
      <h3>{text('expand.left')}</h3>
      <Region what={text('expand.left.what')} query={query}>
        {(nodes) => (
          <ul className={styles.lines}>
            {nodes.length === 0 && <li>{text('expand.left.none')}</li>}
            {nodes.length >= LEFT && <li>{text('expand.left.more', { count: nodes.length })}</li>}
            {nodes.length < LEFT &&
              [...byHolder(nodes)].map(([task, count]) => (
                <li key={task}>
                  {task === 0 ? (
                    text('expand.left.free', { count })
                  ) : (
                    <>
                      {text('expand.left.held', { count })}{' '}
                      <AsideLink href={to.task(task)}>#{task}</AsideLink>
                    </>
                  )}
                </li>
              ))}
          </ul>
        )}
      </Region>
    </section>
  );
}

/** Numbers of nodes by the task that holds them; 0: none does. */
function byHolder(nodes: readonly PlacedNode[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { held_by } of nodes) {
    const task = held_by?.task_id ?? 0;
    counts.set(task, (counts.get(task) ?? 0) + 1);
  }
  return counts;
}

/** How many machines the last expands have made. */
function EarlierExpands({ pool }: { pool: Pool }): ReactNode {
  const text = useWords(actionWords);
  const query = useLiveQuery({
    key: ['pool', pool.id, 'expands', pool.tasks.expand],
    read: () =>
      unwrap(
        api.GET('/task/find', {
          params: { query: { pool_id: String(pool.id), template_id: pool.tasks.expand, limit: EARLIER } },
        }),
      ),
  });
  return (
    <section>
      <h3>{text('expand.earlier')}</h3>
      <Region what={text('expand.earlier.what')} query={query}>
        {({ rows }) => (
          <ul className={styles.lines}>
            {rows.length === 0 && <li>{text('expand.earlier.none')}</li>}
            {rows.map(({ id, state, stat, nodes, created_at }) => (
              <li key={id}>
                <AsideLink href={to.task(id)}>#{id}</AsideLink>{' '}
                <StateBadge state={STATES[state as 0 | 1 | 2 | 3 | 4]} />{' '}
                {text('expand.earlier.one', { made: stat[2] ?? 0, count: nodes })}
                <div className={styles.quiet}>
                  <TimeText at={created_at} />
                </div>
              </li>
            ))}
          </ul>
        )}
      </Region>
    </section>
  );
}
