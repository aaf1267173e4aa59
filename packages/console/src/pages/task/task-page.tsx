import { ApiError, type TaskInfo, unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useParams } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { SidePanel, WithPanel } from '../../ui/panel.js';
import { Region, reasonOf } from '../../ui/region.js';
import { Tabs } from '../../ui/tabs.js';
import { TaskDialogs } from './actions/ask.js';
import { EndProof } from './actions/end-proof.js';
import { EventsTab } from './events/events-tab.js';
import { useGrid, usePastGrid, withStates } from './grid/use-grid.js';
import { NodesTab } from './nodes-tab.js';
import { OutputGroups } from './run/output-groups.js';
import { OutputSearch } from './run/output-search.js';
import { type Frame, TimeSlider } from './run/time-slider.js';
import { BatchesTab, FailuresTab, LogTab } from './tabs.js';
import styles from './task.module.css';
import { TaskActions } from './task-actions.js';
import { TaskFacts, TaskProgress } from './task-head.js';
import { useWhy } from './use-why.js';
import { WhyStrip, WhyTab } from './why.js';
import { taskWords } from './words.js';

/** What not every visit of the page needs is loaded when it is opened. */
const NodeRunPanel = lazy(async () => ({ default: (await import('./run/node-run.js')).NodeRunPanel }));
const PlanTab = lazy(async () => ({ default: (await import('./plan/plan-tab.js')).PlanTab }));
const CompareTab = lazy(async () => ({ default: (await import('./compare/compare-tab.js')).CompareTab }));

/** One task: what it is, how far it is, why it is not further, and each of its nodes. */
export function TaskPage(): ReactNode {
  const text = useWords(taskWords);
  const { id: idText = '' } = useParams<{ id: string }>();
  const id = /^[1-9]\d{0,14}$/.test(idText) ? Number(idText) : undefined;
  const query = useLiveQuery({
    key: ['task', id],
    topic: id === undefined ? undefined : `task:${id}`,
    read: async () => {
      const task = await unwrap(api.GET('/task/{id}', { params: { path: { id: id ?? 0 } } }));
      // POST answers a list, GET the task itself; the type has both.
      return task as TaskInfo;
    },
    enabled: id !== undefined,
    pollMs: 2_000,
  });
  const isMissing = id === undefined || (query.data === undefined && isNotFound(query.error));
  if (isMissing) {
    return (
      <>
        <Heading title={text('missing', { id: idText })} />
        <div className={styles.empty}>
          <p>{text('missing.what')}</p>
          <p>
            <Link href={to.tasks()}>{text('missing.all')}</Link>
          </p>
        </div>
      </>
    );
  }
  return (
    <div className={styles.page}>
      {query.data === undefined && <Heading title={text('title', { id: idText, name: '' })} />}
      <Region what={text('what.task')} query={query}>
        {(task) => <OneTask task={task} />}
      </Region>
    </div>
  );
}

function isNotFound(error: Error | null): boolean {
  return error instanceof ApiError && error.message.includes('not found');
}

/** Reads again what the page shows of a task that has begun, halted or ended: what rests is asked for seldom. */
function useReadAgain({ id, state, end_reason, commands_alive = 0 }: TaskInfo): void {
  const queries = useQueryClient();
  const now = `${state} ${end_reason} ${end_reason === '' ? '' : commands_alive}`;
  const was = useRef(now);
  useEffect(() => {
    if (was.current === now) return;
    was.current = now;
    const isPart = ({ queryKey }: { queryKey: readonly unknown[] }): boolean => queryKey.length > 2;
    void queries.invalidateQueries({ queryKey: ['task', id], predicate: isPart });
  }, [queries, id, now]);
}

function OneTask({ task }: { task: TaskInfo }): ReactNode {
  const text = useWords(taskWords);
  const { formatNumber } = useIntl();
  const [node, setNode] = useQueryParam('node', '', 'step');
  const [at, setAt] = useQueryParam('at', '', 'step');
  const version = /^v[1-9]\d{0,8}$/.test(at) ? Number(at.slice(1)) : undefined;
  const [frame, setFrame] = useState<Frame>();
  const present = useGrid(task.id, Date.parse(task.created_at), task.state === 1);
  const { past, grid: pastGrid, query: pastQuery } = usePastGrid(task.id, version);
  const chosen = version === undefined || pastQuery.error ? present : pastGrid;
  const grid = useMemo(() => (frame ? withStates(present, frame.states) : chosen), [frame, present, chosen]);
  const then = frame ?? past;
  // As it was: what is not told of the past stays as it is now.
  const shown: TaskInfo = then
    ? {
        ...task,
        state: then.state,
        end_reason: then.end_reason,
        stat: then.stat,
        ignored: then.ignored,
        batch: then.batch,
        failed: then.stat[3] ?? 0,
      }
    : task;
  const why = useWhy(task);
  const [wide, setWide] = useQueryParam('wide');
  const [other] = useQueryParam('with');
  const [tab] = useQueryParam('tab');
  const close = useCallback(() => setNode(''), [setNode]);
  useReadAgain(task);
  const model = present.store.model;
  const nodeOf = (nsid: number): number | undefined => model?.nodes[nsid - model.firstId];
  const index = node === '' || !model ? undefined : model.indexOfNode(Number(node));
  return (
    <TaskDialogs task={task} model={model}>
      <Heading title={text('title', { id: task.id, name: task.task_name })}>
        <TaskFacts task={shown} />
        <TaskActions task={task} />
      </Heading>
      {!then && <EndProof task={task} model={model} />}
      <TaskProgress task={shown} />
      <TimeSlider
        taskId={task.id}
        isActive={task.state === 1}
        value={version}
        onChange={(version) => setAt(version === undefined ? '' : `v${version}`)}
        onPreview={setFrame}
      />
      {pastQuery.error && version !== undefined && (
        <p className={styles.empty} role="alert">
          {reasonOf(pastQuery.error)}
        </p>
      )}
      {version !== undefined && !pastQuery.error && <p className={styles.pastNote}>{text('past.shown')}</p>}
      <WithPanel
        panel={
          node !== '' &&
          model && (
            <SidePanel
              title={<code>{index === undefined ? node : model.ips[index]}</code>}
              onClose={close}
              tools={
                <Button kind="quiet" onPress={() => setWide(wide === '' ? 'yes' : '')}>
                  {text(wide === '' ? 'panel.wide' : 'panel.narrow')}
                </Button>
              }
              isWide={wide !== ''}
            >
              {index === undefined ? (
                <p>{text('panel.missing', { id: node })}</p>
              ) : (
                <Suspense>
                  <NodeRunPanel
                    key={index}
                    nsid={model.firstId + index}
                    isActive={task.end_reason === '' || (task.commands_alive ?? 0) > 0}
                  />
                </Suspense>
              )}
            </SidePanel>
          )
        }
      >
        {!then && tab !== 'why' && <WhyStrip task={task} why={why} />}
        <Tabs
          label={text('tab.label')}
          tabs={[
            {
              name: 'nodes',
              title: text('tab.nodes'),
              content: () => (
                <div className={styles.fill}>
                  <NodesTab task={task} grid={grid} />
                </div>
              ),
            },
            {
              name: 'batches',
              title: text('tab.batches'),
              content: () => (
                <div className={styles.fill}>
                  <BatchesTab task={task} />
                </div>
              ),
            },
            {
              name: 'failures',
              title: (
                <>
                  {text('tab.failures')}
                  {task.failed > 0 && <b className={styles.tabCount}>{formatNumber(task.failed)}</b>}
                </>
              ),
              content: () => (
                <div className={styles.fill}>
                  <FailuresTab task={task} />
                </div>
              ),
            },
            {
              name: 'why',
              title: text('tab.why'),
              content: () => (
                <div className={styles.fill}>
                  <WhyTab task={task} why={why} />
                </div>
              ),
            },
            {
              name: 'log',
              title: text('tab.log'),
              content: () => (
                <div className={styles.fill}>
                  <LogTab task={task} />
                </div>
              ),
            },
            {
              name: 'events',
              title: text('tab.events'),
              content: () => (
                <div className={styles.fill}>
                  <EventsTab task={task} grid={present} until={version} />
                </div>
              ),
            },
            {
              name: 'output',
              title: text('tab.output'),
              content: () => (
                <div className={styles.fill}>
                  <OutputSearch taskId={task.id} nodeOf={nodeOf}>
                    <OutputGroups task={task} nodeOf={nodeOf} />
                  </OutputSearch>
                </div>
              ),
            },
            {
              name: 'plan',
              title: text('tab.plan'),
              content: () => (
                <div className={styles.fill}>
                  <Suspense>
                    <PlanTab task={task} />
                  </Suspense>
                </div>
              ),
            },
            ...(/^[1-9]\d{0,14}$/.test(other)
              ? [
                  {
                    name: 'compare',
                    title: text('tab.compare', { id: other }),
                    content: () => (
                      <div className={styles.fill}>
                        <Suspense>
                          <CompareTab task={task} other={Number(other)} />
                        </Suspense>
                      </div>
                    ),
                  },
                ]
              : []),
          ]}
        />
      </WithPanel>
    </TaskDialogs>
  );
}
