import { ApiError, type HistoryEntry, type PlacedNode, unwrap } from '@rigel/api-client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { CopyButton } from '../../ui/copy.js';
import { Region } from '../../ui/region.js';
import { Shown } from '../../ui/shown.js';
import { TimeText } from '../../ui/time-text.js';
import { HistoryText, useHistory } from '../fleet/history-list.js';
import { EditLabels } from '../nodes/edit-labels.js';
import { LabelLinks } from '../nodes/labels.js';
import { RunStateText, StatusBadge, TaskLink } from '../nodes/node-parts.js';
import { RemoveNodes } from '../nodes/remove-nodes.js';
import { nodeWords } from '../nodes/words.js';
import styles from './node-page.module.css';
import { nodePageWords } from './words.js';

/** Runs that are read at once. */
const RUNS = 20;
const POLL_MS = 5_000;
const NOT_FOUND = 404;

/** null: the node was removed. */
async function readNode(id: number): Promise<PlacedNode | null> {
  try {
    return await unwrap(api.GET('/node/{id}', { params: { path: { id } } }));
  } catch (error) {
    if (error instanceof ApiError && error.code === NOT_FOUND) return null;
    throw error;
  }
}

function useRuns(id: number) {
  return useInfiniteQuery({
    queryKey: ['node-runs', id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = { limit: RUNS, ...(pageParam === undefined ? {} : { cursor: pageParam }) };
      return unwrap(api.GET('/node/{id}/runs', { params: { path: { id }, query } }));
    },
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: POLL_MS,
  });
}

type RunOfNode = NonNullable<ReturnType<typeof useRuns>['data']>['pages'][number]['rows'][number];

/** One node: where it is, what holds it, and its life: entered, its machine, every run, removed. */
export function NodePage(): ReactNode {
  const text = useWords(nodePageWords);
  const words = useWords(nodeWords);
  const { id: given } = useParams();
  const id = Number(given);
  const query = useLiveQuery({ key: ['node', id], read: () => readNode(id) });
  const runs = useRuns(id);
  const history = useHistory('node', id);
  const [, navigate] = useLocation();
  const [isRemoving, setRemoving] = useState(false);
  const [isLabelling, setLabelling] = useState(false);
  const node = query.data;
  const name = node && node.ip !== '-' ? node.ip : text('title', { id });
  const entries = history.data?.pages.flatMap(({ rows }) => rows) ?? [];
  return (
    <>
      <Heading title={name}>
        {node && (
          <>
            <div className={styles.facts}>
              <StatusBadge status={node.status} />
              <Link href={to.pool(node.pool_id)}>
                {node.cluster_name} / {node.service_name} / {node.pool_name}
              </Link>
            </div>
            <div className={styles.actions}>
              <Button needs="operator" onPress={() => setLabelling(true)}>
                {words('labels.edit')}
              </Button>
              <Button needs="operator" onPress={() => setRemoving(true)}>
                {words('remove')}
              </Button>
            </div>
          </>
        )}
      </Heading>
      <Region what={text('what')} query={query}>
        {(found) => (found ? <Facts node={found} /> : <p className={styles.removed}>{text('removed')}</p>)}
      </Region>
      <div className={styles.columns}>
        <section aria-labelledby="node-life">
          <h2 id="node-life">{text('life')}</h2>
          <Region what={text('runs')} query={runs}>
            {({ pages }) => (
              <>
                <Life
                  runs={pages.flatMap(({ rows }) => rows)}
                  entries={entries}
                  isWhole={!runs.hasNextPage}
                />
                {runs.hasNextPage && (
                  <p className={styles.more}>
                    <Button isPending={runs.isFetchingNextPage} onPress={() => void runs.fetchNextPage()}>
                      {text('older')}
                    </Button>
                  </p>
                )}
              </>
            )}
          </Region>
        </section>
        <section aria-labelledby="node-failures">
          <h2 id="node-failures">{text('failures')}</h2>
          <Failures runs={runs.data?.pages.flatMap(({ rows }) => rows) ?? []} />
        </section>
      </div>
      <Shown query={query}>
        <EditLabels
          isOpen={isLabelling}
          onClose={() => setLabelling(false)}
          read={async () => (node ? [node] : [])}
          onChanged={() => {
            void query.refetch();
            void history.refetch();
          }}
        />
        <RemoveNodes
          isOpen={isRemoving}
          onClose={() => setRemoving(false)}
          read={async () => (node ? [node] : [])}
          onRemoved={() => navigate(node ? to.pool(node.pool_id) : to.nodes())}
        />
      </Shown>
    </>
  );
}

function Facts({ node }: { node: PlacedNode }): ReactNode {
  const text = useWords(nodePageWords);
  const words = useWords(nodeWords);
  const held =
    node.held_by === undefined ? (
      text('away')
    ) : node.held_by === null ? (
      text('free')
    ) : (
      <>
        <TaskLink id={node.held_by.task_id} /> {node.held_by.name}, <TimeText at={node.held_by.since} />
      </>
    );
  const facts: [string, ReactNode][] = [
    [words('column.held'), held],
    [words('column.run'), <RunStateText key="run" state={node.state} />],
    [words('column.reason'), node.last_reason || '–'],
    [
      words('column.version'),
      <span key="version" className={styles.mono}>
        {node.version_tag || words('version.none')}
      </span>,
    ],
    [text('machine'), node.vm_id || text('byHand')],
    [text('made'), words(`made.${node.node_type}`)],
    [
      text('hostKey'),
      node.host_key ? (
        <span key="key" className={styles.key} title={text('hostKeyHint')}>
          {node.host_key} <CopyButton text={node.host_key} />
        </span>
      ) : node.host_key === undefined ? (
        text('away')
      ) : (
        text('hostKeyNone')
      ),
    ],
  ];
  return (
    <dl className={styles.list}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div className={styles.wide}>
        <dt>{words('column.labels')}</dt>
        <dd>
          <LabelLinks labels={node.labels} />
        </dd>
      </div>
    </dl>
  );
}

type Moment = { at: string; key: string } & ({ run: RunOfNode } | { entry: HistoryEntry });

/** @param isWhole all runs are there: older changes of the node have their place, too. */
function Life({
  runs,
  entries,
  isWhole,
}: {
  runs: readonly RunOfNode[];
  entries: readonly HistoryEntry[];
  isWhole: boolean;
}): ReactNode {
  const text = useWords(nodePageWords);
  const from = isWhole ? '' : (runs.at(-1)?.updated_at ?? '');
  const moments: Moment[] = [
    ...runs.map((run) => ({ at: run.updated_at, key: `run ${run.id}`, run })),
    ...entries
      .filter(({ changed_at }) => changed_at >= from)
      .map((entry) => ({ at: entry.changed_at, key: `version ${entry.version}`, entry })),
  ];
  moments.sort((a, b) => (a.at < b.at ? 1 : -1));
  return (
    <ol className={styles.life}>
      {moments.map((moment) => (
        <li key={moment.key}>
          <TimeText at={moment.at} />
          {'run' in moment ? (
            <>
              <RunStateText state={moment.run.state} />
              <span>
                <TaskLink id={moment.run.task_id} />{' '}
                {text('run', { task: moment.run.task_name, step: moment.run.step || text('noStep') })}
                {moment.run.attempts > 1 && `, ${text('attempts', { count: moment.run.attempts })}`}
                {moment.run.reason && <span className={styles.reason}>{moment.run.reason}</span>}
              </span>
            </>
          ) : (
            <>
              <span className={styles.quiet}>{text('by', { who: moment.entry.operator })}</span>
              <HistoryText entry={moment.entry} />
            </>
          )}
        </li>
      ))}
    </ol>
  );
}

function Failures({ runs }: { runs: readonly RunOfNode[] }): ReactNode {
  const text = useWords(nodePageWords);
  const counts = new Map<string, number>();
  for (const { reason, step } of runs) {
    if (reason === '') continue;
    const key = `${step}: ${reason}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (counts.size === 0) return <p className={styles.none}>{text('noFailures')}</p>;
  return (
    <ul className={styles.failures}>
      {[...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([reason, count]) => (
          <li key={reason}>
            <b>{text('times', { count })}</b> {reason}
          </li>
        ))}
    </ul>
  );
}
