import { once } from '@rigel/api-client';
import { type ReactNode, useRef, useState } from 'react';
import { useWords } from '../../text/intl.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { TextInput } from '../../ui/field.js';
import { catalogWords } from './words.js';

interface CreateDialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** @param key names the request, so that a repeated one makes nothing twice. */
  create: (named: { name: string; desc: string }, key: ReturnType<typeof once>) => Promise<number>;
  onCreated: (id: number) => void;
}

/** Asks for the name of a new thing, which is filled in on its own page. */
export function CreateDialog(props: CreateDialogProps): ReactNode {
  return props.isOpen ? <OpenCreateDialog {...props} /> : null;
}

function OpenCreateDialog({ title, onClose, create, onCreated }: CreateDialogProps): ReactNode {
  const text = useWords(catalogWords);
  const [name, setName] = useState('');
  const [desc, setDesc] = useState('');
  // One key for each form that was filled in: changed values are another request.
  const sent = useRef<{ form: string; key: ReturnType<typeof once> }>(undefined);
  return (
    <ConfirmDialog
      title={title}
      isOpen
      onClose={onClose}
      kind="primary"
      action={text('create')}
      impossible={name.trim() === '' ? text('name') : undefined}
      onConfirm={async () => {
        const form = JSON.stringify([name, desc]);
        if (sent.current?.form !== form) sent.current = { form, key: once() };
        onCreated(await create({ name, desc }, sent.current.key));
      }}
      isForm
    >
      <TextInput autoFocus name="name" label={text('name')} value={name} onChange={setName} isRequired />
      <TextInput name="desc" label={text('desc')} value={desc} onChange={setDesc} />
    </ConfirmDialog>
  );
}
