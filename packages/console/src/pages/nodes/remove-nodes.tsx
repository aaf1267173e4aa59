import { type PlacedNode, unwrap } from '@rigel/api-client';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { TextInput } from '../../ui/field.js';
import { reasonOf } from '../../ui/refusal.js';
import styles from './nodes.module.css';
import { nodeWords } from './words.js';

interface RemoveNodesProps {
  isOpen: boolean;
  onClose: () => void;
  /** The nodes, read when the dialog opens. */
  read: () => Promise<PlacedNode[]>;
  onRemoved: () => void;
}

interface InPool {
  id: number;
  name: string;
  isProtected: boolean;
  nodes: number[];
}

/** Asks before nodes are removed: by the count, and for protected pools by their names. */
export function RemoveNodes(props: RemoveNodesProps): ReactNode {
  // Made again each time it opens: the nodes are read then.
  return props.isOpen ? <OpenRemoveNodes {...props} /> : null;
}

function OpenRemoveNodes({ onClose, read, onRemoved }: RemoveNodesProps): ReactNode {
  const text = useWords(nodeWords);
  const [pools, setPools] = useState<InPool[]>();
  const [failure, setFailure] = useState<string>();
  const [names, setNames] = useState<Record<number, string>>({});
  const look = (): Promise<void> =>
    read()
      .then(byPool)
      .then(setPools)
      .catch((error: unknown) => setFailure(reasonOf(error as Error)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once, when the dialog opens.
  useEffect(() => void look(), []);
  const count = pools?.reduce((sum, { nodes }) => sum + nodes.length, 0) ?? 0;
  const unnamed = pools?.find(({ id, name, isProtected }) => isProtected && names[id] !== name);
  const remove = async (): Promise<void> => {
    try {
      for (const { id, name, isProtected, nodes } of pools ?? []) {
        const body = { nodes, ...(isProtected ? { confirm: name } : {}) };
        await unwrap(api.POST('/pool/{id}/remove_nodes', { params: { path: { id } }, body }));
      }
    } catch (error) {
      // Nodes of the first pools may be gone by now, and a pool may have become protected.
      await look();
      throw error;
    } finally {
      onRemoved();
    }
  };
  return (
    <ConfirmDialog
      title={text('remove.title')}
      isOpen
      onClose={onClose}
      action={text('remove.action', { count })}
      typed={String(count)}
      impossible={
        pools === undefined
          ? (failure ?? text('all.what'))
          : unnamed && text('remove.confirm', { pool: unnamed.name })
      }
      onConfirm={remove}
    >
      {failure && <p role="alert">{failure}</p>}
      <p>{text('remove.what', { count })}</p>
      <ul className={styles.list}>
        {pools?.map(({ id, name, nodes }) => (
          <li key={id}>{text('remove.pool', { pool: name, count: nodes.length })}</li>
        ))}
      </ul>
      {pools
        ?.filter(({ isProtected }) => isProtected)
        .map(({ id, name }) => (
          <TextInput
            key={id}
            name="confirm"
            label={text('remove.name', { pool: name })}
            hint={text('remove.confirm', { pool: name })}
            value={names[id] ?? ''}
            onChange={(value) => setNames({ ...names, [id]: value })}
            isCode
          />
        ))}
    </ConfirmDialog>
  );
}

async function byPool(nodes: readonly PlacedNode[]): Promise<InPool[]> {
  const pools = new Map<number, number[]>();
  for (const { id, pool_id } of nodes) pools.set(pool_id, [...(pools.get(pool_id) ?? []), id]);
  return Promise.all(
    [...pools].map(async ([id, ids]) => {
      const pool = await unwrap(api.GET('/pool/{id}', { params: { path: { id } } }));
      return { id, name: pool.name, isProtected: pool.protected ?? false, nodes: ids };
    }),
  );
}
