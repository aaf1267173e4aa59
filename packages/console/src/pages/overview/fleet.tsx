import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import type { StateName } from '../../ui/state.js';
import type { Overview } from './answer.js';
import styles from './fleet.module.css';
import { Section } from './section.js';
import { overviewWords } from './words.js';

type Fleet = NonNullable<Overview['fleet']>;

/** A small cluster is a short bar and still one that can be seen. */
const LEAST_PERCENT = 4;

/** How the nodes of each cluster stand, each bar as long as the cluster is large. */
export function FleetAtAGlance({ fleet }: { fleet: Fleet }): ReactNode {
  const text = useWords(overviewWords);
  const { clusters, services, pools, nodes, by_cluster } = fleet;
  const most = Math.max(1, ...by_cluster.map((cluster) => cluster.nodes));
  return (
    <Section
      title={text('fleet.title')}
      beside={<span className={styles.sum}>{text('fleet.sum', { clusters, services, pools, nodes })}</span>}
    >
      <ul className={styles.clusters}>
        {by_cluster.map((cluster) => (
          <li key={cluster.id}>
            <Link href={to.fleet({ cluster: cluster.id })} className={styles.name ?? ''}>
              {cluster.name}
            </Link>
            <Bar counts={cluster} width={Math.max(LEAST_PERCENT, (100 * cluster.nodes) / most)} />
            <Counts counts={cluster} />
          </li>
        ))}
      </ul>
      {clusters > by_cluster.length && (
        <p className={styles.sum}>{text('fleet.more', { count: clusters - by_cluster.length })}</p>
      )}
    </Section>
  );
}

type ByStatus = Pick<Fleet, 'nodes' | 'ok' | 'failed' | 'not_ready'>;

/** The states that statuses of nodes look like. */
const parts = ({ ok, failed, not_ready }: ByStatus): [StateName, number][] => [
  ['success', ok],
  ['failed', failed],
  ['initial', not_ready],
];

function Bar({ counts, width }: { counts: ByStatus; width: number }): ReactNode {
  if (counts.nodes === 0) return <span />;
  return (
    <span className={styles.track} aria-hidden="true">
      <span className={styles.bar} style={{ inlineSize: `${width}%` }}>
        {parts(counts).map(([state, count]) =>
          count > 0 ? <i key={state} data-state={state} style={{ flexGrow: count }} /> : null,
        )}
      </span>
    </span>
  );
}

function Counts({ counts: { nodes, ok, failed, not_ready } }: { counts: ByStatus }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  if (nodes === 0) return <span className={styles.sum}>{text('fleet.empty')}</span>;
  const told = [
    text('fleet.ok', { count: ok }),
    failed > 0 ? text('fleet.failed', { count: failed }) : '',
    not_ready > 0 ? text('fleet.notReady', { count: not_ready }) : '',
  ];
  return (
    <span className={styles.sum} title={formatNumber(nodes)}>
      {told.filter((one) => one !== '').join(' · ')}
    </span>
  );
}
