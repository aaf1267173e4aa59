import { once, unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { api } from '../../api/api.js';
import type { Role } from '../../app/role.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyButton } from '../../ui/copy.js';
import { Dialog } from '../../ui/dialog.js';
import { Check, Select, TextInput } from '../../ui/field.js';
import { FormRefusal, RefusedFields } from '../../ui/refused-fields.js';
import styles from './access-page.module.css';
import { accessWords } from './words.js';

const DAY_MS = 86_400_000;
const DAYS = ['1', '30', '90', '365', ''] as const;
type Days = (typeof DAYS)[number];

/** Makes a token. Its text is shown once, in this dialog, and leaves the page with it. */
export function CreateToken({ onClose }: { onClose: () => void }): ReactNode {
  const text = useWords(accessWords);
  const common = useWords();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [mayRun, setMayRun] = useState(false);
  const [days, setDays] = useState<Days>('90');
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const [made, setMade] = useState<string>();
  // A repetition of the same form makes no second token.
  const [key] = useState(() => once());
  const bodyNow = () => ({
    name: name.trim(),
    role,
    ...(mayRun && role !== 'admin' ? { may_run: true } : {}),
    ...(days === '' ? {} : { expires: new Date(Date.now() + Number(days) * DAY_MS).toISOString() }),
  });
  const make = async (): Promise<void> => {
    setPending(true);
    setFailure(undefined);
    try {
      const { token } = await unwrap(api.POST('/token/create', { body: bodyNow(), ...key }));
      setMade(token);
      void queries.invalidateQueries({ queryKey: ['tokens'] });
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setPending(false);
    }
  };
  if (made !== undefined) return <MadeToken name={name.trim()} token={made} onClose={onClose} />;
  return (
    <Dialog
      title={text('create.title')}
      isOpen
      onClose={onClose}
      buttons={
        <>
          <Button onPress={onClose}>{common('dialog.cancel')}</Button>
          <Button
            kind="primary"
            needs="admin"
            isPending={isPending}
            impossible={name.trim() === '' ? text('name.missing') : undefined}
            onPress={() => void make()}
          >
            {text('create.do', { name: name.trim() })}
          </Button>
        </>
      }
    >
      <RefusedFields error={failure}>
        <div className={styles.form}>
          <TextInput
            name="name"
            label={text('name')}
            hint={text('name.hint')}
            value={name}
            onChange={setName}
            isCode
          />
          <Choice
            label={text('role')}
            value={role}
            choices={(['viewer', 'operator', 'admin'] as const).map((one) => [one, common(`role.${one}`)])}
            onChange={setRole}
          />
          <p>{text(`role.${role}.what`)}</p>
          {role !== 'admin' && (
            <Check isSelected={mayRun} onChange={setMayRun}>
              {text('mayRun')}
            </Check>
          )}
          <Select
            name="expires"
            label={text('expires')}
            hint={text('expires.hint')}
            value={days}
            choices={DAYS.map((count) => [
              count,
              count === '' ? text('expires.never') : text('expires.days', { count }),
            ])}
            onChange={setDays}
          />
          <FormRefusal className={styles.warning} />
          <AsCommand request={{ method: 'POST', path: 'token/create', body: bodyNow() }} />
        </div>
      </RefusedFields>
    </Dialog>
  );
}

/** How long the token can be read. */
const SHOWN_MS = 60_000;

function MadeToken(props: { name: string; token: string; onClose: () => void }): ReactNode {
  const { name, token, onClose } = props;
  const text = useWords(accessWords);
  const [isShown, setShown] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setShown(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Dialog
      title={text('made', { name })}
      isOpen
      // A press beside the dialog must not lose what is shown once.
      onClose={() => undefined}
      buttons={
        <Button kind="primary" onPress={onClose}>
          {text('made.done')}
        </Button>
      }
    >
      <div className={styles.form}>
        {isShown ? (
          <>
            <p>{text('made.what')}</p>
            <div className={styles.token} role="group" aria-label={text('made.text')}>
              <code>{token}</code>
              <CopyButton text={token} label={text('copy.token')} />
            </div>
          </>
        ) : (
          <p role="status">{text('made.hidden')}</p>
        )}
      </div>
    </Dialog>
  );
}
