import { type CatalogChange, unwrap } from '@rigel/api-client';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Region } from '../../ui/region.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './catalog.module.css';
import { DiffView } from './diff-view.js';
import { asText } from './line-diff.js';
import { catalogWords } from './words.js';

export type Resource = 'action' | 'remote_step' | 'task_tpl';

const PATHS = {
  action: '/action/{id}/history',
  remote_step: '/remote_step/{id}/history',
  task_tpl: '/task_tpl/{id}/history',
} as const;

/** Who changed a thing, when, and what; newest first. */
export function HistoryList({ resource, id }: { resource: Resource; id: number }): ReactNode {
  const text = useWords(catalogWords);
  const query = useInfiniteQuery({
    queryKey: ['history', resource, id],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET(PATHS[resource], {
          params: { path: { id }, query: { limit: 50, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next ?? undefined,
  });
  return (
    <Region what={text('theHistory')} query={query}>
      {({ pages }) => (
        <div className={styles.scroll}>
          <ol className={styles.history}>
            {pages
              .flatMap(({ rows }) => rows)
              .map((change) => (
                <li key={change.position}>
                  <Change change={change} />
                </li>
              ))}
          </ol>
          {query.hasNextPage && (
            <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
              {text('older')}
            </Button>
          )}
        </div>
      )}
    </Region>
  );
}

/** Whether a field says something that the kind of change does not say. */
const tells = ({ name, before }: CatalogChange['fields'][number]): boolean =>
  before !== null || (name !== 'action_id' && name !== 'type');

function Change({ change }: { change: CatalogChange }): ReactNode {
  const text = useWords(catalogWords);
  return (
    <>
      <p className={styles.who}>
        <b>{change.operator}</b>
        <span>{text(`change.${change.change}`)}</span>
        {change.version !== undefined && <span>{text('version', { version: change.version })}</span>}
        <TimeText at={change.at} />
        {change.client && <span>{text('from', { address: change.client })}</span>}
      </p>
      {change.change !== 'created' &&
        change.fields.filter(tells).map(({ name, before, after }) => (
          <div key={name}>
            <h3>{name}</h3>
            <DiffView label={name} before={asText(before)} after={asText(after)} />
          </div>
        ))}
    </>
  );
}
