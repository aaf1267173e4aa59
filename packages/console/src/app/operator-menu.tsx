import { unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../api/api.js';
import { useWords } from '../text/intl.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { TextInput } from '../ui/field.js';
import { TimeText } from '../ui/time-text.js';
import styles from './operator-menu.module.css';
import { isOperatorName, setOperatorName, useOperatorName } from './operator-name.js';
import { useWho } from './role.js';
import { whoWords } from './who-words.js';

/** The person's name in the bar, and behind it who they are, until when, and the way out. */
export function OperatorMenu(): ReactNode {
  const text = useWords(whoWords);
  const common = useWords();
  const who = useWho();
  const queries = useQueryClient();
  const given = useOperatorName();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState(given);
  const isOff = who.access === 'off';
  const name = isOff ? given : who.name;
  const signOut = async (): Promise<void> => {
    await unwrap(api.DELETE('/session')).catch(() => undefined);
    setOpen(false);
    // What the person may not see any more is gone from the page at once.
    queries.clear();
    location.reload();
  };
  const close = (): void => {
    if (isOff && (typed === '' || isOperatorName(typed))) setOperatorName(typed);
    setOpen(false);
    void queries.invalidateQueries({ queryKey: ['session'] });
  };
  return (
    <>
      {isOff && (
        <span className={styles.off} title={text('off')}>
          <span className={styles.long}>{text('off')}</span>
          <span className={styles.short} aria-hidden="true">
            {text('off.short')}
          </span>
        </span>
      )}
      <Button kind="quiet" onPress={() => setOpen(true)}>
        <span className={styles.name}>{name === '' ? text('nameless') : name}</span>
      </Button>
      <Dialog
        title={text('title')}
        isOpen={isOpen}
        onClose={close}
        buttons={
          <>
            {who.by === 'session' && <Button onPress={() => void signOut()}>{text('signOut')}</Button>}
            <Button kind="primary" onPress={close}>
              {text('close')}
            </Button>
          </>
        }
      >
        {isOff ? (
          <>
            <p>{text('off')}</p>
            <TextInput
              label={text('name')}
              hint={text('name.hint')}
              value={typed}
              onChange={setTyped}
              error={typed === '' || isOperatorName(typed) ? undefined : text('name.wrong')}
            />
          </>
        ) : (
          <dl className={styles.facts}>
            <dt>{text('name')}</dt>
            <dd>{who.name}</dd>
            <dt>{text('role')}</dt>
            <dd>{common(`role.${who.role}`)}</dd>
            {who.expiresAt !== null && (
              <>
                <dt>{text('expires')}</dt>
                <dd>
                  <TimeText at={who.expiresAt} />
                </dd>
              </>
            )}
          </dl>
        )}
      </Dialog>
    </>
  );
}
