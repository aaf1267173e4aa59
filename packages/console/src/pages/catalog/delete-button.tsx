import { type ReactNode, useState } from 'react';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import type { Resource } from './history-list.js';
import { UsesList } from './uses-list.js';
import { catalogWords } from './words.js';

interface DeleteButtonProps {
  name: string;
  resource: Resource;
  id: number;
  onDelete: () => Promise<unknown>;
}

/** Deletes a thing of the catalog, after its uses were shown. */
export function DeleteButton({ name, resource, id, onDelete }: DeleteButtonProps): ReactNode {
  const text = useWords(catalogWords);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button needs="admin" kind="danger" onPress={() => setOpen(true)}>
        {text('delete')}
      </Button>
      <ConfirmDialog
        title={text('deleteOne', { name })}
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        action={text('deleteOne', { name })}
        onConfirm={onDelete}
      >
        <p>{text('deleteWhat')}</p>
        <UsesList resource={resource} id={id} />
      </ConfirmDialog>
    </>
  );
}
