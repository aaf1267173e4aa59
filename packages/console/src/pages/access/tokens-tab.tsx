import { type ApiToken, unwrap } from '@rigel/api-client';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
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
import { CreateToken } from './create-token.js';
import { readOpenSessions } from './read-sessions.js';
import { accessWords } from './words.js';

const PAGE = 200;

/** Whether a token is taken now. */
function stateOf({ revoked, expires }: ApiToken): 'valid' | 'revoked' | 'expired' {
  if (revoked !== null) return 'revoked';
  return expires !== null && Date.parse(expires) <= Date.now() ? 'expired' : 'valid';
}

export function TokensTab(): ReactNode {
  const text = useWords(accessWords);
  const [all, setAll] = useQueryParam('all');
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken>();
  const query = useInfiniteQuery({
    queryKey: ['tokens'],
    queryFn: ({ pageParam }) =>
      unwrap(api.GET('/token/list', { params: { query: { page: pageParam, page_size: PAGE } } })),
    initialPageParam: 1,
    getNextPageParam: (rows, _pages, page) => (rows.length < PAGE ? undefined : page + 1),
    refetchInterval: 10_000,
  });
  return (
    <div className={styles.tab}>
      <div className={styles.tools}>
        <Button kind="primary" needs="admin" onPress={() => setCreating(true)}>
          {text('create')}
        </Button>
        <Check isSelected={all !== ''} onChange={(is) => setAll(is ? '1' : '')}>
          {text('showAll')}
        </Check>
      </div>
      <Region what={text('tokens')} query={query}>
        {({ pages }) => {
          // A token that was made meanwhile moves the others to the next page: each stands here once.
          const tokens = [...new Map(pages.flat().map((token) => [token.id, token])).values()];
          const shown = tokens.filter((token) => all !== '' || stateOf(token) === 'valid');
          if (shown.length === 0) return <p className={styles.empty}>{text('noTokens')}</p>;
          return (
            <Tokens
              tokens={shown}
              onRevoke={setRevoking}
              onEnd={() => {
                if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
              }}
            />
          );
        }}
      </Region>
      {isCreating && <CreateToken onClose={() => setCreating(false)} />}
      {revoking && (
        <Shown query={query}>
          <RevokeToken token={revoking} onClose={() => setRevoking(undefined)} />
        </Shown>
      )}
    </div>
  );
}

interface TokensProps {
  tokens: readonly ApiToken[];
  onRevoke: (token: ApiToken) => void;
  onEnd: () => void;
}

function Tokens({ tokens, onRevoke, onEnd }: TokensProps): ReactNode {
  const text = useWords(accessWords);
  const common = useWords();
  const columns: Column<ApiToken>[] = [
    {
      name: 'name',
      title: text('name'),
      width: 'minmax(110px, 1fr)',
      narrow: 'first',
      cell: (token) => (
        <span className={stateOf(token) === 'valid' ? undefined : styles.over}>{token.name}</span>
      ),
    },
    {
      name: 'role',
      title: text('role'),
      width: '104px',
      narrow: 'first',
      cell: ({ role, may_run }) =>
        may_run ? text('role.andRun', { role: common(`role.${role}`) }) : common(`role.${role}`),
    },
    {
      name: 'state',
      title: text('state'),
      width: 'minmax(90px, 150px)',
      cell: (token) => text(`state.${stateOf(token)}`, { name: token.revoked_by }),
    },
    {
      name: 'used',
      title: text('lastUsed'),
      width: '194px',
      cell: ({ last_used }) => (last_used === null ? text('never') : <TimeText at={last_used} />),
    },
    {
      name: 'expires',
      title: text('expires'),
      width: '194px',
      narrow: 'hidden',
      cell: ({ expires }) => (expires === null ? text('expires.never') : <TimeText at={expires} />),
    },
    {
      name: 'created',
      title: text('created'),
      width: '194px',
      narrow: 'hidden',
      cell: ({ created }) => <TimeText at={created} />,
    },
    {
      name: 'by',
      title: text('created.by'),
      width: 'minmax(80px, 140px)',
      narrow: 'hidden',
      cell: ({ created_by }) => <span title={created_by}>{created_by}</span>,
    },
    {
      name: 'do',
      title: '',
      width: '124px',
      align: 'end',
      narrow: 'first',
      cell: (token) =>
        stateOf(token) === 'revoked' ? (
          ''
        ) : (
          <Button
            kind="quiet"
            needs="admin"
            label={text('revoke.label', { name: token.name })}
            onPress={() => onRevoke(token)}
          >
            {text('revoke')}
          </Button>
        ),
    },
  ];
  return (
    <VirtualTable
      label={text('tokens')}
      columns={columns}
      rows={tokens}
      keyOf={({ id }) => id}
      onEnd={onEnd}
    />
  );
}

/** Sessions that the dialog names one by one. */
const NAMED = 10;

function RevokeToken({ token, onClose }: { token: ApiToken; onClose: () => void }): ReactNode {
  const text = useWords(accessWords);
  const queries = useQueryClient();
  const sessions = useQuery({
    queryKey: ['sessions', 'of', token.id],
    queryFn: async () => (await readOpenSessions()).filter(({ token_id }) => token_id === token.id),
  });
  const { name } = token;
  return (
    <ConfirmDialog
      title={text('revoke.title', { name })}
      isOpen
      onClose={onClose}
      action={text('revoke.do', { name })}
      onConfirm={async () => {
        await unwrap(api.POST('/token/revoke/{id}', { params: { path: { id: token.id } } }));
        void queries.invalidateQueries({ queryKey: ['tokens'] });
        void queries.invalidateQueries({ queryKey: ['sessions'] });
      }}
    >
      <div className={styles.form}>
        {token.last_used === null ? (
          <p>{text('revoke.unused')}</p>
        ) : (
          <p>
            {text('revoke.used')} <TimeText at={token.last_used} />
          </p>
        )}
        <Region what={text('sessions')} query={sessions}>
          {(open) => (
            <div className={styles.form}>
              <p>{text('revoke.sessions', { count: open.length })}</p>
              {open.length > 0 && (
                <ul className={styles.list}>
                  {open.slice(0, NAMED).map(({ id, client, last_used_at }) => (
                    <li key={id}>
                      #{id} {client}, <TimeText at={last_used_at} />
                    </li>
                  ))}
                </ul>
              )}
              {open.some(({ own }) => own) && <p className={styles.warning}>{text('revoke.own')}</p>}
            </div>
          )}
        </Region>
        <p>{text('revoke.what')}</p>
      </div>
    </ConfirmDialog>
  );
}
