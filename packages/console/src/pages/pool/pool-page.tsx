import { type Pool, unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { Region } from '../../ui/region.js';
import { STATES, StateBadge, StateBar } from '../../ui/state.js';
import { Tabs } from '../../ui/tabs.js';
import { TimeText } from '../../ui/time-text.js';
import { useTemplateName } from '../catalog/template-name.js';
import { DeleteThing, type Editing, EditThing } from '../fleet/edit-thing.js';
import { HistoryList } from '../fleet/history-list.js';
import { fleetWords } from '../fleet/words.js';
import { AddNodes } from '../nodes/add-nodes.js';
import { typedLabels } from '../nodes/label-changes.js';
import { type ChosenNodes, NodeList } from '../nodes/node-list.js';
import { StatusCounts, TaskLink, VersionSpread } from '../nodes/node-parts.js';
import { nodeWords } from '../nodes/words.js';
import { PoolActions } from './actions/pool-actions.js';
import styles from './pool-page.module.css';

async function readPool(id: number) {
  const params = { path: { id } };
  const [pool, summary] = await Promise.all([
    unwrap(api.GET('/pool/{id}', { params })),
    unwrap(api.GET('/pool/{id}/summary', { params })),
  ]);
  const service = await unwrap(api.GET('/service/{id}', { params: { path: { id: pool.service_id } } }));
  return { pool, summary, service };
}

type Read = Awaited<ReturnType<typeof readPool>>;

/** One pool: its nodes, its tasks, what is scheduled for it, its versions, its history and its settings. */
export function PoolPage(): ReactNode {
  const text = useWords(fleetWords);
  const { id: given } = useParams();
  const id = Number(given);
  const query = useLiveQuery({
    key: ['pool', id],
    topic: `pool:${id}`,
    read: () => readPool(id),
    // The topic has the summary alone; it changes with everything that the rest shows.
    apply: () => undefined,
  });
  if (query.error && query.data === undefined) {
    return (
      <>
        <Heading title={`${text('pool')} ${id}`} />
        <Region what={text('pool.what')} query={query}>
          {() => null}
        </Region>
        <HistoryList kind="pool" id={id} />
      </>
    );
  }
  return (
    <Region what={text('pool.what')} query={query}>
      {(read) => <PoolView key={id} read={read} onChanged={() => void query.refetch()} />}
    </Region>
  );
}

function PoolView({ read, onChanged }: { read: Read; onChanged: () => void }): ReactNode {
  const text = useWords(fleetWords);
  const node = useWords(nodeWords);
  const { pool, summary, service } = read;
  const [isAdding, setAdding] = useState(false);
  const [chosen, setChosen] = useState<ChosenNodes>();
  const tabs = [
    {
      name: 'nodes',
      title: text('tab.nodes', { count: summary.nodes }),
      content: () => (
        <NodeList
          poolId={pool.id}
          onSelection={setChosen}
          tools={
            <Button needs="operator" onPress={() => setAdding(true)}>
              {node('add.open')}
            </Button>
          }
        />
      ),
    },
    { name: 'tasks', title: text('tab.tasks'), content: () => <PoolTasks read={read} /> },
    {
      name: 'schedules',
      title: text('tab.schedules', { count: summary.schedules?.length ?? 0 }),
      content: () => <PoolSchedules read={read} />,
    },
    {
      name: 'versions',
      title: text('tab.versions'),
      content: () => (
        <div className={styles.part}>
          {summary.nodes === 0 ? (
            <p>{text('pool.noNodes')}</p>
          ) : (
            <VersionSpread versions={summary.versions} nodes={summary.nodes} />
          )}
        </div>
      ),
    },
    {
      name: 'history',
      title: text('tab.history'),
      content: () => <HistoryList kind="pool" id={pool.id} />,
    },
    {
      name: 'settings',
      title: text('tab.settings'),
      content: () => <PoolSettings pool={pool} onChanged={onChanged} />,
    },
  ];
  return (
    <>
      <Heading title={pool.name}>
        <div className={styles.facts}>
          <span>
            {text('service')} <Link href={to.fleet({ q: service.name })}>{service.name}</Link>
          </span>
          {pool.protected && <span className={styles.mark}>{text('pool.protected')}</span>}
          <StatusCounts counts={summary.status} />
          {summary.holding?.map(
            ({ held_by, nodes }) =>
              held_by && (
                <span key={held_by.task_id}>
                  {text('pool.held', { count: nodes })} <TaskLink id={held_by.task_id} />
                </span>
              ),
          )}
        </div>
        <PoolActions pool={pool} counts={summary} chosen={chosen} onChanged={onChanged} />
      </Heading>
      <Tabs label={pool.name} tabs={tabs} />
      <AddNodes pool={pool} isOpen={isAdding} onClose={() => setAdding(false)} onAdded={onChanged} />
    </>
  );
}

function PoolTasks({ read: { pool, summary } }: { read: Read }): ReactNode {
  const text = useWords(fleetWords);
  if (!summary.tasks) return <p className={styles.part}>{text('pool.away')}</p>;
  if (summary.tasks.length === 0) return <p className={styles.part}>{text('pool.noTasks')}</p>;
  return (
    <>
      <ul className={styles.rows}>
        {summary.tasks.map((task) => (
          <li key={task.id}>
            <TaskLink id={task.id} />
            <span>{task.task_name}</span>
            <StateBadge state={STATES[task.state as 0 | 1 | 2 | 3 | 4]} />
            <StateBar counts={task.stat} />
            <span className={styles.quiet}>{task.opr_user}</span>
          </li>
        ))}
      </ul>
      <p className={styles.part}>
        <Link href={to.tasks({ pool_id: pool.id })}>{text('pool.allTasks')}</Link>
      </p>
    </>
  );
}

function PoolSchedules({ read: { summary } }: { read: Read }): ReactNode {
  const text = useWords(fleetWords);
  if (!summary.schedules) return <p className={styles.part}>{text('pool.away')}</p>;
  if (summary.schedules.length === 0) return <p className={styles.part}>{text('pool.noSchedules')}</p>;
  return (
    <ul className={styles.rows}>
      {summary.schedules.map(({ id, type, exec_type, time_zone, items }) => (
        <li key={id}>
          <Link href={to.schedules({ schedule: id })}>{text(`schedule.${type as 'expand' | 'upload'}`)}</Link>
          <span>{exec_type}</span>
          <span>{text('schedule.items', { count: items })}</span>
          <span className={styles.quiet}>{time_zone}</span>
        </li>
      ))}
    </ul>
  );
}

function TemplateLink({ id }: { id: number }): ReactNode {
  return <Link href={to.template(id)}>{useTemplateName(id)}</Link>;
}

function PoolSettings({ pool, onChanged }: { pool: Pool; onChanged: () => void }): ReactNode {
  const text = useWords(fleetWords);
  const [, navigate] = useLocation();
  const [editing, setEditing] = useState<Editing>();
  const [isDeleting, setDeleting] = useState(false);
  const [isProtecting, setProtecting] = useState(false);
  const isProtected = pool.protected ?? false;
  const said = isProtected
    ? ({
        verb: 'unprotect',
        title: 'unprotect.title',
        what: 'unprotect.what',
        action: 'unprotect.action',
      } as const)
    : ({ verb: 'protect', title: 'protect.title', what: 'protect.what', action: 'protect.action' } as const);
  const facts: [string, ReactNode][] = [
    [text('field.name'), pool.name],
    [text('field.desc'), pool.desc || '–'],
    [text('field.labels'), typedLabels(pool.labels) || text('none')],
    [text('field.vm_type'), pool.vm_type || text('none')],
    [text('field.sd_id'), pool.sd_id || text('none')],
    ...(['expand', 'shrink', 'deploy'] as const).map((kind): [string, ReactNode] => {
      const template = pool.tasks[kind];
      return [text(`field.${kind}`), template ? <TemplateLink key={kind} id={template} /> : text('none')];
    }),
  ];
  const body = {
    protected: !isProtected,
    ...(pool.version === undefined ? {} : { if_version: pool.version }),
  };
  return (
    <div className={styles.part}>
      <dl className={styles.settings}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {pool.updated_at && (
        <p className={styles.quiet}>
          {text('edit.by', { version: pool.version ?? 0, who: pool.updated_by ?? '' })}{' '}
          <TimeText at={pool.updated_at} />
        </p>
      )}
      <p className={styles.buttons}>
        <Button needs="operator" onPress={() => setEditing({ kind: 'pool', id: pool.id })}>
          {text('edit')}
        </Button>
        <Button needs="admin" onPress={() => setProtecting(true)}>
          {text(said.verb)}
        </Button>
        <Button needs="operator" onPress={() => setDeleting(true)}>
          {text('delete')}
        </Button>
      </p>
      <EditThing editing={editing} onClose={() => setEditing(undefined)} onSaved={onChanged} />
      <DeleteThing
        deleting={
          isDeleting ? { kind: 'pool', id: pool.id, name: pool.name, version: pool.version } : undefined
        }
        onClose={() => setDeleting(false)}
        onDeleted={() => navigate(to.fleet())}
      />
      <ConfirmDialog
        title={text(said.title, { name: pool.name })}
        isOpen={isProtecting}
        onClose={() => setProtecting(false)}
        kind="primary"
        action={text(said.action)}
        onConfirm={async () => {
          await unwrap(api.POST('/pool/protect/{id}', { params: { path: { id: pool.id } }, body }));
          onChanged();
        }}
      >
        <p>{text(said.what)}</p>
        <AsCommand request={{ method: 'POST', path: `pool/protect/${pool.id}`, body }} />
      </ConfirmDialog>
    </div>
  );
}
