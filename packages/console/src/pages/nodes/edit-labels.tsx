import { type PlacedNode, unwrap } from '@rigel/api-client';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { Check, TextInput } from '../../ui/field.js';
import { reasonOf } from '../../ui/refusal.js';
import { labelsIn, presentLabels } from './label-changes.js';
import { labelText } from './labels.js';
import styles from './labels.module.css';
import { nodeWords } from './words.js';

/** Values of a key that are named. */
const NAMED = 3;

interface EditLabelsProps {
  isOpen: boolean;
  onClose: () => void;
  /** The nodes, read when the dialog opens. */
  read: () => Promise<PlacedNode[]>;
  onChanged: () => void;
}

/** Sets and removes labels of nodes, of all of them or of none. */
export function EditLabels(props: EditLabelsProps): ReactNode {
  // Made again each time it opens: the nodes are read then.
  return props.isOpen ? <OpenEditLabels {...props} /> : null;
}

function OpenEditLabels({ onClose, read, onChanged }: EditLabelsProps): ReactNode {
  const text = useWords(nodeWords);
  const [nodes, setNodes] = useState<PlacedNode[]>();
  const [failure, setFailure] = useState<string>();
  const [typed, setTyped] = useState('');
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once, when the dialog opens.
  useEffect(() => {
    read()
      .then(setNodes)
      .catch((error: unknown) => setFailure(reasonOf(error as Error)));
  }, []);
  const count = nodes?.length ?? 0;
  const present = presentLabels(nodes ?? []);
  const { set, wrong } = labelsIn(typed);
  const remove = [...removed].filter((key) => !Object.hasOwn(set, key));
  const isNothing = Object.keys(set).length === 0 && remove.length === 0;
  const change = async (): Promise<void> => {
    const body = { nodes: (nodes ?? []).map(({ id }) => id), set, remove };
    await unwrap(api.POST('/node/label', { body }));
    onChanged();
  };
  return (
    <ConfirmDialog
      title={text('labels.title', { count })}
      isOpen
      onClose={onClose}
      kind="primary"
      isForm
      action={text('labels.action', { count })}
      impossible={
        nodes === undefined
          ? (failure ?? text('all.what'))
          : wrong !== undefined
            ? text('labels.wrong', { entry: wrong })
            : isNothing
              ? text('labels.nothing')
              : undefined
      }
      onConfirm={change}
    >
      {failure && <p role="alert">{failure}</p>}
      <TextInput
        name="set"
        label={text('labels.set')}
        hint={text('labels.set.hint')}
        value={typed}
        onChange={setTyped}
        error={wrong === undefined ? undefined : text('labels.wrong', { entry: wrong })}
        placeholder="zone=b role=web"
        isCode
        autoFocus
      />
      {present.length > 0 && (
        <>
          <p className={styles.heading} id="present-labels">
            {text('labels.present')}
          </p>
          <ul className={styles.present} aria-labelledby="present-labels">
            {present.map(([key, values]) => (
              <li key={key} data-removed={removed.has(key) || undefined}>
                <span className={styles.values}>
                  {values.slice(0, NAMED).map(({ value, nodes: having }) => (
                    <code key={value} className={styles.label}>
                      {labelText(key, value)}
                      {count > 1 && ` · ${having.toLocaleString()}`}
                    </code>
                  ))}
                  {values.length > NAMED && (
                    <span>{text('labels.more', { count: values.length - NAMED })}</span>
                  )}
                </span>
                <Check
                  isSelected={removed.has(key)}
                  onChange={(is) => {
                    const keys = new Set(removed);
                    if (is) keys.add(key);
                    else keys.delete(key);
                    setRemoved(keys);
                  }}
                >
                  {text('labels.remove')}
                  <span className="only-read-aloud"> {key}</span>
                </Check>
              </li>
            ))}
          </ul>
        </>
      )}
    </ConfirmDialog>
  );
}
