import { type HistoryEntry, unwrap } from '@rigel/api-client';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Region } from '../../ui/region.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './fleet.module.css';
import { fleetWords } from './words.js';

export type HistoryKind = 'cluster' | 'service' | 'pool' | 'node';

/** Entries that are read at once. */
const ENTRIES = 50;
/** The history is read again so often, in milliseconds. */
const POLL_MS = 15_000;

async function readPart(kind: HistoryKind, id: number, cursor: string | undefined) {
  const params = { path: { id }, query: { limit: ENTRIES, ...(cursor === undefined ? {} : { cursor }) } };
  switch (kind) {
    case 'cluster':
      return unwrap(api.GET('/cluster/{id}/history', { params }));
    case 'service':
      return unwrap(api.GET('/service/{id}/history', { params }));
    case 'pool':
      return unwrap(api.GET('/pool/{id}/history', { params }));
    case 'node':
      return unwrap(api.GET('/node/{id}/history', { params }));
  }
}

/** The history of a thing, newest first, as far as it was asked for. */
export function useHistory(kind: HistoryKind, id: number) {
  return useInfiniteQuery({
    queryKey: ['history', kind, id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => readPart(kind, id, pageParam),
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: POLL_MS,
  });
}

/** Who changed a thing, when, and what. */
export function HistoryList({ kind, id }: { kind: HistoryKind; id: number }): ReactNode {
  const text = useWords(fleetWords);
  const query = useHistory(kind, id);
  return (
    <Region what={text('history.what')} query={query}>
      {({ pages }) => (
        <>
          <ol className={styles.history}>
            {pages
              .flatMap(({ rows }) => rows)
              .map((entry) => (
                <li key={`${entry.changed_at} ${entry.change} ${entry.version} ${entry.addresses?.[0]}`}>
                  <TimeText at={entry.changed_at} />
                  <span className={styles.who}>{entry.operator}</span>
                  <HistoryText entry={entry} />
                </li>
              ))}
          </ol>
          {query.hasNextPage && (
            <p className={styles.more}>
              <Button isPending={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
                {text('history.more')}
              </Button>
            </p>
          )}
        </>
      )}
    </Region>
  );
}

/** What one change was, in words. */
export function HistoryText({ entry }: { entry: HistoryEntry }): ReactNode {
  const text = useWords(fleetWords);
  const { change, fields, nodes = 0, addresses = [] } = entry;
  if (change === 'nodes_added' || change === 'nodes_removed') {
    return (
      <span>
        {text(`history.${change}`, { count: nodes })}{' '}
        <span className={styles.mono}>{addresses.filter((ip) => ip !== '-').join(', ')}</span>{' '}
        {nodes > addresses.length && text('history.others', { count: nodes - addresses.length })}
      </span>
    );
  }
  return (
    <span>
      {text(`history.${change}`)}
      {fields.length > 0 && (
        <span className={styles.fields}>
          {byLabel(fields.filter(({ before, after }) => before !== null || !isEmpty(after))).map(
            ({ name, before, after }) => (
              <span key={name}>
                {before === null
                  ? text('history.set', { field: name, after: shown(after) })
                  : text('history.from', { field: name, before: shown(before), after: shown(after) })}
              </span>
            ),
          )}
        </span>
      )}
    </span>
  );
}

type Fields = HistoryEntry['fields'];

/** The fields, with the labels that changed in place of all labels. A label that is not there is null. */
function byLabel(fields: Fields): Fields {
  return fields.flatMap((field) => {
    if (field.name !== 'labels') return field;
    const [before, after] = [field.before, field.after].map(
      (labels) => (labels ?? {}) as Record<string, string>,
    );
    const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
    return keys
      .map((key) => ({
        name: `labels.${key}`,
        before: before?.[key] ?? null,
        after: after?.[key] ?? null,
      }))
      .filter((label) => label.before !== label.after);
  });
}

/** A new thing has fields that nobody filled in: they say nothing. */
function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function shown(value: unknown): string {
  if (value === null) return '–';
  if (typeof value === 'string') return value === '' ? '“”' : value;
  return JSON.stringify(value) ?? '';
}
