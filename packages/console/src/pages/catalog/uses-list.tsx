import { type TemplateUses, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../api/api.js';
import { to } from '../../app/addresses.js';
import { useWords } from '../../text/intl.js';
import { Region } from '../../ui/region.js';
import styles from './catalog.module.css';
import type { Resource } from './history-list.js';
import { catalogWords } from './words.js';

const PATHS = {
  action: '/action/{id}/uses',
  remote_step: '/remote_step/{id}/uses',
  task_tpl: '/task_tpl/{id}/uses',
} as const;

/** The steps, templates and pools that use a thing. */
export function UsesList({ resource, id }: { resource: Resource; id: number }): ReactNode {
  const text = useWords(catalogWords);
  const query = useQuery({
    queryKey: ['uses', resource, id],
    queryFn: () => unwrap(api.GET(PATHS[resource], { params: { path: { id } } })),
  });
  return (
    <Region
      what={text('theUses')}
      query={query}
      isEmpty={isUnused}
      empty={<p className={styles.note}>{text('usedByNone')}</p>}
    >
      {({ remote_steps, templates, pools }) => (
        <dl className={styles.uses}>
          <Users title={text('usedBySteps')} total={remote_steps.total} shown={remote_steps.rows.length}>
            {remote_steps.rows.map((row) => (
              <Link key={row.id} href={to.catalog({ tab: 'steps', step: row.id })}>
                {row.name}
              </Link>
            ))}
          </Users>
          <Users title={text('usedByTemplates')} total={templates.total} shown={templates.rows.length}>
            {templates.rows.map((row) => (
              <Link key={row.id} href={to.template(row.id)}>
                {row.name}
              </Link>
            ))}
          </Users>
          {pools === null ? (
            <>
              <dt>{text('usedByPools')}</dt>
              <dd>{text('poolsUnknown')}</dd>
            </>
          ) : (
            <Users title={text('usedByPools')} total={pools.total} shown={pools.rows.length}>
              {pools.rows.map((row) => (
                <Link key={`${row.id} ${row.template_id}`} href={to.pool(row.id)}>
                  {row.name} ({row.kinds.join(', ')})
                </Link>
              ))}
            </Users>
          )}
        </dl>
      )}
    </Region>
  );
}

function isUnused({ remote_steps, templates, pools }: TemplateUses): boolean {
  return remote_steps.total === 0 && templates.total === 0 && pools?.total === 0;
}

function Users({
  title,
  total,
  shown,
  children,
}: {
  title: string;
  total: number;
  shown: number;
  children: ReactNode;
}): ReactNode {
  const text = useWords(catalogWords);
  if (total === 0) return null;
  return (
    <>
      <dt>{title}</dt>
      <dd className={styles.links}>
        {children}
        {total > shown && <span>{text('more', { count: total - shown })}</span>}
      </dd>
    </>
  );
}
