import { type Session, unwrap } from '@rigel/api-client';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../../api/api.js';
import { useQueryParam } from '../../app/query-param.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { Check } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { Shown } from '../../ui/shown.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { TimeText } from '../../ui/time-text.js';
import styles from './access-page.module.css';
import { readSessions } from './read-sessions.js';
import { accessWords } from './words.js';

const PAGE = 200;

export function SessionsTab(): ReactNode {
  const text = useWords(accessWords);
  const queries = useQueryClient();
  const [all, setAll] = useQueryParam('all');
  const [revoking, setRevoking] = useState<Session>();
  const query = useInfiniteQuery({
    queryKey: ['sessions', all],
    queryFn: ({ pageParam }) => readSessions({ ended: all !== '', cursor: pageParam, limit: PAGE }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: 10_000,
  });
  return (
    <div className={styles.tab}>
      <div className={styles.tools}>
        <Check isSelected={all !== ''} onChange={(is) => setAll(is ? '1' : '')}>
          {text('showAll')}
        </Check>
      </div>
      <Region
        what={text('sessions')}
        query={query}
        isEmpty={({ pages }) => pages[0]?.rows.length === 0}
        empty={<p className={styles.empty}>{text('noSessions')}</p>}
      >
        {({ pages }) => (
          <Sessions
            sessions={pages.flatMap(({ rows }) => rows)}
            onRevoke={setRevoking}
            onEnd={() => {
              if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
            }}
          />
        )}
      </Region>
      {revoking && (
        <Shown query={query}>
          <ConfirmDialog
            title={text('session.revoke.title', { id: revoking.id, name: revoking.name })}
            isOpen
            onClose={() => setRevoking(undefined)}
            action={text('session.revoke.do', { id: revoking.id })}
            onConfirm={async () => {
              await unwrap(api.POST('/session/revoke/{id}', { params: { path: { id: revoking.id } } }));
              void queries.invalidateQueries({ queryKey: ['sessions'] });
            }}
          >
            <p>{text('session.revoke.what')}</p>
          </ConfirmDialog>
        </Shown>
      )}
    </div>
  );
}

interface SessionsProps {
  sessions: readonly Session[];
  onRevoke: (session: Session) => void;
  onEnd: () => void;
}

function Sessions({ sessions, onRevoke, onEnd }: SessionsProps): ReactNode {
  const text = useWords(accessWords);
  const columns: Column<Session>[] = [
    { name: 'id', title: '#', width: '56px', align: 'end', narrow: 'hidden', cell: ({ id }) => `#${id}` },
    {
      name: 'name',
      title: text('operator'),
      width: 'minmax(180px, 1fr)',
      narrow: 'first',
      cell: ({ name, own, ended_at }) => (
        <span className={ended_at === null ? undefined : styles.over}>
          {name} {own && <span className={styles.own}>{text('own')}</span>}
        </span>
      ),
    },
    {
      name: 'state',
      title: text('ends'),
      width: 'minmax(90px, 160px)',
      cell: ({ end, ended_by }) => (end === null ? text('open') : text(`end.${end}`, { name: ended_by })),
    },
    {
      name: 'used',
      title: text('lastUsed'),
      width: '194px',
      cell: ({ last_used_at }) => <TimeText at={last_used_at} />,
    },
    {
      name: 'started',
      title: text('started'),
      width: '194px',
      narrow: 'hidden',
      cell: ({ started_at, started_with }) => (
        <span title={text(`with.${started_with}`)}>
          <TimeText at={started_at} />
        </span>
      ),
    },
    {
      name: 'client',
      title: text('client'),
      width: 'minmax(80px, 120px)',
      cell: ({ client }) => client,
    },
    {
      name: 'until',
      title: text('until'),
      width: '194px',
      narrow: 'hidden',
      cell: ({ expires_at }) => <TimeText at={expires_at} />,
    },
    {
      name: 'do',
      title: '',
      width: '124px',
      align: 'end',
      narrow: 'first',
      cell: (session) =>
        session.ended_at === null ? (
          <Button
            kind="quiet"
            needs="admin"
            label={text('session.revoke.do', { id: session.id })}
            impossible={session.own ? text('session.own') : undefined}
            onPress={() => onRevoke(session)}
          >
            {text('revoke')}
          </Button>
        ) : (
          ''
        ),
    },
  ];
  return (
    <VirtualTable
      label={text('sessions')}
      columns={columns}
      rows={sessions}
      keyOf={({ id }) => id}
      onEnd={onEnd}
    />
  );
}
