import { once, unwrap } from '@rigel/api-client';
import { type ReactNode, useRef, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { TextArea, TextInput } from '../../ui/field.js';
import { reasonOf } from '../../ui/region.js';
import { type Found, findAddresses } from './find-addresses.js';
import { labelsIn } from './label-changes.js';
import styles from './nodes.module.css';
import { nodeWords } from './words.js';

interface AddNodesProps {
  pool: { id: number; name: string };
  isOpen: boolean;
  onClose: () => void;
  onAdded: () => void;
}

/** Problems that are named; the others are counted. */
const NAMED = 20;

/** Enters nodes into a pool from a pasted list, after it was shown what is new in it. */
export function AddNodes(props: AddNodesProps): ReactNode {
  return props.isOpen ? <OpenAddNodes {...props} /> : null;
}

function OpenAddNodes({ pool, onClose, onAdded }: AddNodesProps): ReactNode {
  const text = useWords(nodeWords);
  const [list, setList] = useState('');
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<Found[]>();
  const [failure, setFailure] = useState<string>();
  // A request whose answer was lost is sent again under the same key.
  const named = useRef(once());
  const look = async (): Promise<void> => {
    setFailure(undefined);
    try {
      setFound(await findAddresses(list));
      named.current = once();
    } catch (error) {
      setFailure(error instanceof Error ? reasonOf(error) : String(error));
    }
  };
  const fresh =
    found?.filter((one) => one.node === null && one.problem === null && one.same_as === null) ?? [];
  const others = found?.filter((one) => !fresh.includes(one)) ?? [];
  const { set: labels, wrong } = labelsIn(typed);
  const wrongLabel = wrong === undefined ? undefined : text('labels.wrong', { entry: wrong });
  const body = {
    nodes: fresh.map(({ address }) => address),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
  const add = async (): Promise<void> => {
    const path = { id: pool.id };
    await unwrap(api.POST('/pool/{id}/add_nodes', { params: { path, header: named.current.headers }, body }));
    onAdded();
  };
  return (
    <ConfirmDialog
      title={text('add.title', { pool: pool.name })}
      isOpen
      onClose={onClose}
      kind="primary"
      size="wide"
      action={text('add.action', { count: fresh.length })}
      impossible={
        found === undefined ? text('add.first') : fresh.length === 0 ? text('add.nothing') : wrongLabel
      }
      onConfirm={add}
      isForm
    >
      <TextArea
        name="nodes"
        autoFocus
        label={text('paste.label')}
        hint={text('paste.hint')}
        error={failure}
        value={list}
        onChange={(value) => {
          setList(value);
          setFound(undefined);
        }}
      />
      <TextInput
        name="labels"
        label={text('column.labels')}
        hint={text('add.labels.hint')}
        error={wrongLabel}
        value={typed}
        onChange={(value) => {
          setTyped(value);
          // Another request than the one whose answer may have been lost.
          named.current = once();
        }}
        placeholder="zone=b role=web"
        isCode
      />
      <p>
        <Button onPress={() => void look()}>{text('add.look')}</Button>
      </p>
      {found && (
        <div role="status">
          <p>{text('add.new', { count: fresh.length })}</p>
          {others.length > 0 && (
            <ul className={styles.list}>
              {others.slice(0, NAMED).map((one) => (
                <li key={one.address}>{trouble(one, text)}</li>
              ))}
              {others.length > NAMED && <li>{text('add.more', { count: others.length - NAMED })}</li>}
            </ul>
          )}
          {fresh.length > 0 && (
            <AsCommand request={{ method: 'POST', path: `pool/${pool.id}/add_nodes`, body }} />
          )}
        </div>
      )}
    </ConfirmDialog>
  );
}

type Text = ReturnType<typeof useWords<'add.taken' | 'paste.same'>>;

function trouble({ address, node, problem, same_as }: Found, text: Text): string {
  if (problem !== null) return problem;
  if (node) return text('add.taken', { address, id: node.id, pool: node.pool_name });
  return `${address}: ${text('paste.same', { address: same_as ?? '' })}`;
}
