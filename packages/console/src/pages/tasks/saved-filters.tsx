import { type ReactNode, useState } from 'react';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Select, TextInput } from '../../ui/field.js';
import { type SavedFilter, savedFilters, saveFilters } from './saved.js';
import { tasksWords } from './words.js';

interface SavedFiltersProps {
  /** The filters in force, as the query of the address; empty: none. */
  query: string;
  onUse: (query: string) => void;
}

/** Filters that somebody gave a name, in this browser. */
export function SavedFilters({ query, onUse }: SavedFiltersProps): ReactNode {
  const text = useWords(tasksWords);
  const common = useWords();
  const [saved, setSaved] = useState(savedFilters);
  const [name, setName] = useState<string>();
  const current = saved.find((one) => one.query === query);
  const keep = (filters: readonly SavedFilter[]): void => {
    saveFilters(filters);
    setSaved(filters);
  };
  const save = (): void => {
    const given = name?.trim() ?? '';
    if (given === '') return;
    keep([...saved.filter((one) => one.name !== given), { name: given, query }]);
    setName(undefined);
  };
  return (
    <>
      {saved.length > 0 && (
        <Select
          label={text('saved')}
          value={current?.name ?? ''}
          choices={[['', text('saved.none')], ...saved.map((one) => [one.name, one.name] as const)]}
          onChange={(chosen) => onUse(saved.find((one) => one.name === chosen)?.query ?? '')}
        />
      )}
      {query !== '' && !current && (
        <Button kind="quiet" onPress={() => setName('')}>
          {text('saved.save')}
        </Button>
      )}
      {current && (
        <Button kind="quiet" onPress={() => keep(saved.filter((one) => one !== current))}>
          {text('saved.forget')}
        </Button>
      )}
      <Dialog
        title={text('saved.title')}
        isOpen={name !== undefined}
        onClose={() => setName(undefined)}
        buttons={
          <>
            <Button onPress={() => setName(undefined)}>{common('dialog.cancel')}</Button>
            <Button
              kind="primary"
              impossible={(name ?? '').trim() === '' ? text('saved.needed') : undefined}
              onPress={save}
            >
              {text('saved.action')}
            </Button>
          </>
        }
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <TextInput
            label={text('saved.name')}
            hint={text('saved.hint')}
            value={name ?? ''}
            onChange={setName}
          />
        </form>
      </Dialog>
    </>
  );
}
