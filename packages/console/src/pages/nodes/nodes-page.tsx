import { type ReactNode, useMemo, useState } from 'react';
import { Link } from 'wouter';
import { useLiveQuery } from '../../api/live-query.js';
import { to } from '../../app/addresses.js';
import { Heading } from '../../app/heading.js';
import { useQueryParam } from '../../app/query-param.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { CopyButton } from '../../ui/copy.js';
import { TextArea } from '../../ui/field.js';
import { Region } from '../../ui/region.js';
import { type Column, VirtualTable } from '../../ui/table.js';
import { type Found, findAddresses } from './find-addresses.js';
import { NodeList } from './node-list.js';
import { StatusBadge, TaskLink } from './node-parts.js';
import styles from './nodes.module.css';
import { nodeWords } from './words.js';

/** Longest list that stands in the address, in characters; a longer one is only on the screen. */
const MOST_IN_ADDRESS = 1_500;

/** The nodes of the whole fleet: by filters, or those of a pasted list. */
export function NodesPage(): ReactNode {
  const text = useWords(nodeWords);
  const [view, setView] = useQueryParam('view', '', 'step');
  const isPasting = view === 'paste';
  return (
    <>
      <Heading title={text('nodes')} />
      {isPasting ? (
        <FindAddresses onClose={() => setView('')} />
      ) : (
        <NodeList tools={<Button onPress={() => setView('paste')}>{text('paste.open')}</Button>} />
      )}
    </>
  );
}

function FindAddresses({ onClose }: { onClose: () => void }): ReactNode {
  const text = useWords(nodeWords);
  const [inAddress, setInAddress] = useQueryParam('addresses');
  const [typed, setTyped] = useState(inAddress);
  const [list, setList] = useState(inAddress);
  const query = useLiveQuery({
    key: ['addresses', list],
    read: () => findAddresses(list),
    enabled: list.trim() !== '',
  });
  const find = (): void => {
    setList(typed);
    setInAddress(typed.length <= MOST_IN_ADDRESS ? typed : '');
  };
  return (
    <>
      <div className={styles.paste}>
        <TextArea label={text('paste.label')} hint={text('paste.hint')} value={typed} onChange={setTyped} />
        <div className={styles.tools} style={{ padding: 0 }}>
          <Button kind="primary" onPress={find}>
            {text('paste.find')}
          </Button>
          <Button kind="quiet" onPress={onClose}>
            {text('paste.close')}
          </Button>
        </div>
      </div>
      {list.trim() !== '' && (
        <Region what={text('paste.what')} query={query}>
          {(found) => <FoundList found={found} />}
        </Region>
      )}
    </>
  );
}

function FoundList({ found }: { found: readonly Found[] }): ReactNode {
  const text = useWords(nodeWords);
  const unknown = found.filter(({ node, problem }) => node === null && problem === null);
  const wrong = found.filter(({ problem }) => problem !== null);
  const columns = useMemo(
    (): Column<Found>[] => [
      {
        name: 'address',
        title: text('column.address'),
        width: 'minmax(150px, 1fr)',
        narrow: 'first',
        cell: ({ address, node }) =>
          node ? (
            <Link href={to.node(node.id)} className={styles.mono}>
              {address}
            </Link>
          ) : (
            <span className={styles.mono}>{address}</span>
          ),
      },
      {
        name: 'status',
        title: text('column.status'),
        width: 'minmax(140px, 1fr)',
        narrow: 'first',
        cell: ({ node, problem }) =>
          node ? <StatusBadge status={node.status} /> : (problem ?? text('paste.unknown')),
      },
      {
        name: 'pool',
        title: text('column.pool'),
        width: 'minmax(110px, 1fr)',
        cell: ({ node, same_as }) => (
          <>
            {node ? <Link href={to.pool(node.pool_id)}>{node.pool_name}</Link> : '–'}
            {same_as !== null && ` ${text('paste.same', { address: same_as })}`}
          </>
        ),
      },
      {
        name: 'held',
        title: text('column.held'),
        width: 'minmax(90px, 1fr)',
        cell: ({ node }) => (node?.held_by ? <TaskLink id={node.held_by.task_id} /> : '–'),
      },
    ],
    [text],
  );
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <span role="status">
          {text('paste.sum', {
            known: found.length - unknown.length - wrong.length,
            unknown: unknown.length,
            wrong: wrong.length,
          })}
        </span>
        {unknown.length > 0 && (
          <CopyButton text={unknown.map(({ address }) => address).join('\n')}>
            {text('paste.copyUnknown')}
          </CopyButton>
        )}
      </div>
      <div className={styles.table}>
        <VirtualTable
          label={text('paste.title')}
          columns={columns}
          rows={found}
          keyOf={({ address }) => address}
        />
      </div>
    </div>
  );
}
