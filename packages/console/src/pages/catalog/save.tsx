import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { useWho } from '../../app/role.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { useShows } from '../../ui/refused-fields.js';
import styles from './catalog.module.css';
import { DiffView } from './diff-view.js';
import type { Draft, Versioned } from './draft.js';
import type { Resource } from './history-list.js';
import { UsesList } from './uses-list.js';
import { catalogWords } from './words.js';

interface SaveProps<Thing extends Versioned, Values> {
  name: string;
  resource: Resource;
  id: number;
  draft: Draft<Thing, Values>;
  valuesOf: (thing: Thing) => Values;
  /** The values as text whose lines can be compared. */
  asText: (values: Values) => string;
  /** The version that saving makes; it is the next one unless several things are saved. */
  nextVersion: number | string;
  /** Why saving is not possible now. */
  impossible?: string | undefined;
  onSave: () => Promise<unknown>;
  /** What the API says about the values, before they are saved. */
  children?: ReactNode;
}

/**
 * The button that saves an edited thing: first it shows what changes and what uses the thing. It stands within the `RefusedFields` of
 * the thing's form.
 */
export function SaveButton<Thing extends Versioned, Values>(props: SaveProps<Thing, Values>): ReactNode {
  const { name, resource, id, draft, valuesOf, asText, nextVersion, impossible, onSave, children } = props;
  const text = useWords(catalogWords);
  const { may } = useWho();
  const [isOpen, setOpen] = useState(false);
  const shows = useShows();
  const save = async (): Promise<void> => {
    try {
      await onSave();
    } catch (error) {
      // The field that is refused stands on the page: the dialog makes room for it.
      if (!(error instanceof Error && shows(error))) throw error;
      draft.refuse(error);
    }
  };
  const canOpen = draft.isChanged && impossible === undefined && may('admin');
  const button = useRef<HTMLButtonElement>(null);
  useSaveKey(button, () => canOpen && setOpen(true));
  return (
    <>
      {draft.isChanged && (
        <Button kind="quiet" onPress={draft.discard}>
          {text('discard')}
        </Button>
      )}
      <Button
        ref={button}
        kind="primary"
        needs="admin"
        impossible={impossible ?? (draft.isChanged ? undefined : text('nothing'))}
        onPress={() => setOpen(true)}
      >
        {text('save')}
      </Button>
      <ConfirmDialog
        title={text('saveTitle', { name })}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        kind="primary"
        action={text('saveVersion', { version: nextVersion })}
        impossible={impossible}
        onConfirm={save}
        size="wide"
      >
        <section>
          <h3>{text('whatChanges')}</h3>
          <DiffView
            label={text('whatChanges')}
            before={asText(valuesOf(draft.base))}
            after={asText(draft.values)}
          />
        </section>
        <section>
          <h3>{text('uses')}</h3>
          <UsesList resource={resource} id={id} />
          <p className={styles.quiet}>{text('running')}</p>
        </section>
        {children}
      </ConfirmDialog>
    </>
  );
}

/** Ctrl-S or ⌘S opens the dialog from every field of the editor, unless another dialog lies above the button. */
function useSaveKey(button: RefObject<HTMLButtonElement | null>, open: () => void): void {
  const latest = useRef(open);
  latest.current = open;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 's' || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      if (!button.current?.closest('[inert], [aria-hidden="true"]')) latest.current();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [button]);
}

/** Says that another person saved the thing meanwhile, and shows both changes side by side. */
export function NewerVersion<Thing extends Versioned, Values>({
  draft,
  valuesOf,
  asText,
}: Pick<SaveProps<Thing, Values>, 'draft' | 'valuesOf' | 'asText'>): ReactNode {
  const text = useWords(catalogWords);
  const { newer, base, values } = draft;
  if (newer === undefined) return null;
  const version = newer.version ?? 0;
  const before = asText(valuesOf(base));
  return (
    <section className={styles.newer} role="alert">
      <p>{text('meanwhile', { who: newer.updated_by ?? '', version, base: base.version ?? 0 })}</p>
      <div className={styles.sides}>
        <div>
          <h3>{text('theirs')}</h3>
          <DiffView label={text('theirs')} before={before} after={asText(valuesOf(newer))} />
        </div>
        <div>
          <h3>{text('mine')}</h3>
          <DiffView label={text('mine')} before={before} after={asText(values)} />
        </div>
      </div>
      <div className={styles.buttons}>
        <Button onPress={draft.discard}>{text('takeTheirs', { version })}</Button>
        <Button onPress={draft.rebase}>{text('keepMine', { version })}</Button>
      </div>
    </section>
  );
}
