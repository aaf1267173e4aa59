import { type ReactNode, useEffect, useState } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useWords } from '../text/intl.js';
import { Button } from './button.js';
import styles from './dialog.module.css';
import { TextInput } from './field.js';
import { FormRefusal, RefusedFields } from './refused-fields.js';
import { StaleNote, useReadAgain } from './shown.js';

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** The buttons, the one that changes nothing first. */
  buttons: ReactNode;
  /** `wide`: for tables; `tall`: wide, and of one height, for what changes while it is looked at. */
  size?: 'narrow' | 'wide' | 'tall';
  /** A press beside it does not close it: there is much to lose in it. */
  isKept?: boolean;
}

/** A dialog over the page. Escape and a press beside it close it. It says how old the page is, if it is too old. */
export function Dialog({
  title,
  isOpen,
  onClose,
  children,
  buttons,
  size = 'narrow',
  isKept = false,
}: DialogProps): ReactNode {
  return (
    <ModalOverlay
      className={styles.shade ?? ''}
      isOpen={isOpen}
      isDismissable={!isKept}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Modal className={`${styles.dialog} ${styles[size]}`}>
        <AriaDialog className={styles.body ?? ''}>
          <Heading slot="title">{title}</Heading>
          <div className={styles.content}>
            <StaleNote />
            {children}
          </div>
          <footer className={styles.buttons}>{buttons}</footer>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ConfirmDialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** What will happen, in numbers and names. */
  children: ReactNode;
  /** The verb and the count: "Stop 640 running nodes". */
  action: string;
  kind?: 'primary' | 'danger';
  /** What has to be typed before the action is possible, where it cannot be taken back: a count or a name. */
  typed?: string;
  /** Why the action is not possible now. */
  impossible?: string | undefined;
  /** Carries the action out. The dialog closes when it is done; when it fails it shows why, at the field that is refused. */
  onConfirm: () => Promise<unknown>;
  size?: 'narrow' | 'wide';
  /** It is a form: one of its fields has the focus, and not the button that changes nothing. */
  isForm?: boolean;
}

/** A press within this time after the dialog appeared was meant for what lay under it, in milliseconds. */
const STRAY_MS = 400;

/** Whether a dialog that acts stands long enough for a press to be meant for it; until then its button cannot be pressed. */
export function useIsSettled(): boolean {
  const [isSettled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), STRAY_MS);
    return () => clearTimeout(timer);
  }, []);
  return isSettled;
}

/** Asks before something large or final. The focus lies on the button that changes nothing. */
export function ConfirmDialog(props: ConfirmDialogProps): ReactNode {
  // Made again each time it opens: what was typed or failed before is gone.
  return props.isOpen ? <OpenConfirmDialog {...props} /> : null;
}

function OpenConfirmDialog({
  title,
  onClose,
  children,
  action,
  kind = 'danger',
  typed,
  impossible,
  onConfirm,
  size = 'narrow',
  isForm = false,
}: ConfirmDialogProps): ReactNode {
  const text = useWords();
  const isSettled = useIsSettled();
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const readAgain = useReadAgain();
  const [isChanged, setChanged] = useState(false);
  const [word, setWord] = useState('');
  const isTyped = typed === undefined || word.trim() === typed;
  const confirm = async (): Promise<void> => {
    setPending(true);
    setFailure(undefined);
    setChanged(false);
    if (await readAgain()) {
      setChanged(true);
      setPending(false);
      return;
    }
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
      setPending(false);
    }
  };
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      size={size}
      buttons={
        <>
          <Button onPress={onClose} autoFocus={!isForm}>
            {text('dialog.cancel')}
          </Button>
          <Button
            kind={kind}
            isPending={isPending || !isSettled}
            impossible={impossible ?? (isTyped ? undefined : text('dialog.type', { word: typed }))}
            onPress={() => void confirm()}
          >
            {action}
          </Button>
        </>
      }
    >
      <RefusedFields error={failure}>
        {children}
        {typed !== undefined && (
          <TextInput label={text('dialog.type', { word: typed })} value={word} onChange={setWord} />
        )}
        <FormRefusal className={styles.failure} />
        {isChanged && (
          <p role="alert" className={styles.failure}>
            {text('stale.changed')}
          </p>
        )}
      </RefusedFields>
    </Dialog>
  );
}
