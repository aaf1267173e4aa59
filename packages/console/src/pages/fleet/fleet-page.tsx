import { type CountedPool, unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useIntl, useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { TextInput } from '../../ui/field.js';
import { LongList } from '../../ui/long-list.js';
import { ActionMenu } from '../../ui/menu.js';
import { Region } from '../../ui/region.js';
import { Shown } from '../../ui/shown.js';
import { StatusCounts } from '../nodes/node-parts.js';
import { actionWords } from '../pool/actions/words.js';
import { DeleteThing, type Editing, EditThing, type Named, type ThingKind } from './edit-thing.js';
import styles from './fleet.module.css';
import { fleetWords } from './words.js';

interface Fleet {
  clusters: Named[];
  services: (Named & { cluster_id: number })[];
  pools: CountedPool[];
  next: string | null;
}

/** Tags that a pool's row shows; the others are on its page. */
const SHOWN_TAGS = 3;

/** Clusters, their services and their pools, with the numbers of nodes. */
export function FleetPage(): ReactNode {
  const text = useWords(fleetWords);
  const common = useWords();
  const [q, setQ] = useQueryParam('q');
  const [editing, setEditing] = useState<Editing>();
  const [deleting, setDeleting] = useState<{ kind: ThingKind } & Named>();
  const query = useLiveQuery({ key: ['fleet'], read: async (): Promise<Fleet> => unwrap(api.GET('/fleet')) });
  const done = (): void => void query.refetch();
  return (
    <>
      <Heading title={common('page.fleet')}>
        <div className={styles.actions}>
          <Link href={to.nodes()}>{text('fleet.allNodes')}</Link>
          <Button needs="operator" onPress={() => setEditing({ kind: 'cluster' })}>
            {text('new.cluster')}
          </Button>
        </div>
      </Heading>
      <Region
        what={text('fleet.what')}
        query={query}
        isEmpty={({ clusters }) => clusters.length === 0}
        empty={<p className={styles.empty}>{text('fleet.empty')}</p>}
      >
        {(fleet) => (
          <>
            <div className={styles.filter}>
              <TextInput label={text('fleet.filter')} type="search" value={q} onChange={setQ} />
              <Sum fleet={fleet} />
            </div>
            <Tree fleet={fleet} q={q} onEdit={setEditing} onDelete={setDeleting} />
            {fleet.next !== null && (
              <p className={styles.empty}>{text('fleet.more', { count: fleet.pools.length })}</p>
            )}
          </>
        )}
      </Region>
      <Shown query={query}>
        <EditThing
          editing={editing}
          clusters={query.data?.clusters ?? []}
          onClose={() => setEditing(undefined)}
          onSaved={done}
        />
        <DeleteThing deleting={deleting} onClose={() => setDeleting(undefined)} onDeleted={done} />
      </Shown>
    </>
  );
}

function Sum({ fleet: { clusters, services, pools } }: { fleet: Fleet }): ReactNode {
  const text = useWords(fleetWords);
  const counts = {
    clusters: clusters.length,
    services: services.length,
    pools: pools.length,
    nodes: pools.reduce((sum, { nodes }) => sum + nodes, 0),
  };
  return <p className={styles.quiet}>{text('fleet.sum', counts)}</p>;
}

interface TreeProps {
  fleet: Fleet;
  q: string;
  onEdit: (editing: Editing) => void;
  onDelete: (deleting: { kind: ThingKind } & Named) => void;
}

function Tree({ fleet, q, onEdit, onDelete }: TreeProps): ReactNode {
  const text = useWords(fleetWords);
  const word = q.trim().toLowerCase();
  const fits = ({ name }: Named): boolean => name.toLowerCase().includes(word);
  const servicesOf = groupedBy(fleet.services, ({ cluster_id }) => cluster_id);
  const poolsOf = groupedBy(fleet.pools, ({ service_id }) => service_id);
  // A name that fits keeps what is under it and what is above it.
  const clusters = fleet.clusters.flatMap((cluster) => {
    const services = (servicesOf.get(cluster.id) ?? []).flatMap((service) => {
      const all = poolsOf.get(service.id) ?? [];
      const pools = fits(cluster) || fits(service) ? all : all.filter(fits);
      return fits(cluster) || fits(service) || pools.length > 0 ? [{ service, pools }] : [];
    });
    return fits(cluster) || services.length > 0 ? [{ cluster, services }] : [];
  });
  const rows = clusters.flatMap(({ cluster, services }): Row[] => [
    { kind: 'cluster', key: `cluster ${cluster.id}`, thing: cluster },
    ...(services.length === 0
      ? [{ kind: 'nothing' as const, key: `cluster ${cluster.id} nothing`, words: text('cluster.empty') }]
      : []),
    ...services.flatMap(({ service, pools }): Row[] => [
      { kind: 'service', key: `service ${service.id}`, thing: service },
      ...(pools.length === 0
        ? [{ kind: 'nothing' as const, key: `service ${service.id} nothing`, words: text('service.empty') }]
        : []),
      ...pools.map((pool): Row => ({ kind: 'pool', key: `pool ${pool.id}`, pool })),
    ]),
  ]);
  if (rows.length === 0) return <p className={styles.empty}>{text('fleet.noMatch')}</p>;
  return (
    <LongList
      label={text('fleet.what')}
      rows={rows}
      keyOf={({ key }) => key}
      height={32}
      row={(row) => <TreeRow row={row} onEdit={onEdit} onDelete={onDelete} />}
    />
  );
}

function groupedBy<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => number): Map<number, Thing[]> {
  const groups = new Map<number, Thing[]>();
  for (const thing of things) {
    const group = groups.get(keyOf(thing));
    if (group) group.push(thing);
    else groups.set(keyOf(thing), [thing]);
  }
  return groups;
}

/** A line of the tree. */
type Row = { key: string } & (
  | { kind: 'cluster' | 'service'; thing: Named }
  | { kind: 'pool'; pool: CountedPool }
  | { kind: 'nothing'; words: string }
);

function TreeRow({
  row,
  onEdit,
  onDelete,
}: { row: Row } & Pick<TreeProps, 'onEdit' | 'onDelete'>): ReactNode {
  const text = useWords(fleetWords);
  if (row.kind === 'pool') return <PoolRow pool={row.pool} />;
  if (row.kind === 'nothing') return <p className={styles.nothing}>{row.words}</p>;
  const { kind, thing } = row;
  const { id, name } = thing;
  const part = kind === 'cluster' ? 'service' : 'pool';
  return (
    <header className={kind === 'cluster' ? styles.cluster : styles.service}>
      {kind === 'cluster' ? <h2>{name}</h2> : <h3>{name}</h3>}
      <span className={styles.buttons}>
        <Button
          kind="quiet"
          needs="operator"
          onPress={() => onEdit({ kind: part, parent: id })}
          label={`${text(`new.${part}`)} ${name}`}
        >
          {text(`new.${part}`)}
        </Button>
        <Button
          kind="quiet"
          needs="operator"
          onPress={() => onEdit({ kind, id })}
          label={`${text('edit')} ${name}`}
        >
          {text('edit')}
        </Button>
        <Button
          kind="quiet"
          needs="operator"
          onPress={() => onDelete({ kind, id, name })}
          label={`${text('delete')} ${name}`}
        >
          {text('delete')}
        </Button>
      </span>
    </header>
  );
}

function PoolRow({ pool }: { pool: CountedPool }): ReactNode {
  const text = useWords(fleetWords);
  const action = useWords(actionWords);
  const { formatNumber } = useIntl();
  const [, navigate] = useLocation();
  const tagged = pool.versions.filter(({ tag }) => tag !== '');
  return (
    <div className={styles.pool}>
      <Link href={to.pool(pool.id)}>{pool.name}</Link>
      <span className={styles.mark}>{pool.protected && text('pool.protected')}</span>
      <StatusCounts counts={pool.status} />
      <span className={styles.tags}>
        {tagged.slice(0, SHOWN_TAGS).map(({ tag, nodes }) => (
          <span key={tag}>
            <span className={styles.mono}>{tag}</span> {formatNumber(nodes)}
          </span>
        ))}
        {tagged.length > SHOWN_TAGS && (
          <span>{text('history.others', { count: tagged.length - SHOWN_TAGS })}</span>
        )}
      </span>
      <ActionMenu
        label={text('pool.actions', { name: pool.name })}
        actions={(['deploy', 'expand', 'shrink'] as const).map((name) => ({
          name,
          words: action(name),
          needs: 'operator',
          onAction: () => navigate(to.pool(pool.id, { do: name })),
        }))}
      />
    </div>
  );
}
