import { type RemoteStep, unwrap } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api } from '../../api/api.js';
import { useLiveQuery } from '../../api/live-query.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { TextArea, TextInput } from '../../ui/field.js';
import { ManagedNote } from '../../ui/managed-by.js';
import { FormRefusal, RefusedFields } from '../../ui/refused-fields.js';
import { Region } from '../../ui/region.js';
import styles from './catalog.module.css';
import { DeleteButton } from './delete-button.js';
import { useDraft } from './draft.js';
import { HistoryList } from './history-list.js';
import { NewerVersion, SaveButton } from './save.js';
import { catalogWords } from './words.js';

interface Values {
  name: string;
  desc: string;
  actions: string[];
}

const valuesOf = ({ name, desc, actions }: RemoteStep): Values => ({ name, desc, actions });
const asText = ({ name, desc, actions }: Values): string =>
  [`name: ${name}`, `desc: ${desc}`, ...actions.map((action) => `- ${action}`)].join('\n');

/** A remote step: the actions that it runs, and its history. */
export function StepDialog({ id, onClose }: { id: number; onClose: () => void }): ReactNode {
  const common = useWords();
  const text = useWords(catalogWords);
  const query = useLiveQuery({
    key: ['remote_step', id],
    read: () => unwrap(api.GET('/remote_step/{id}', { params: { path: { id } } })),
  });
  return (
    <Dialog
      title={text('editStep', { name: query.data?.name ?? String(id) })}
      isOpen
      onClose={onClose}
      size="wide"
      buttons={<Button onPress={onClose}>{common('panel.close')}</Button>}
    >
      <Region what={text('loading')} query={query}>
        {(step) => <StepForm step={step} onClose={onClose} />}
      </Region>
      <details>
        <summary>{text('history')}</summary>
        <HistoryList resource="remote_step" id={id} />
      </details>
    </Dialog>
  );
}

function StepForm({ step, onClose }: { step: RemoteStep; onClose: () => void }): ReactNode {
  const text = useWords(catalogWords);
  const queries = useQueryClient();
  const draft = useDraft(step, valuesOf);
  const { values, base } = draft;
  const { id } = step;
  const refresh = () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'tasks' });
  const version = base.version === undefined ? {} : { if_version: base.version };
  const save = async (): Promise<void> => {
    const actions = values.actions.map((name) => name.trim()).filter((name) => name !== '');
    await unwrap(
      api.POST('/remote_step/update/{id}', {
        params: { path: { id } },
        body: { ...values, actions, ...version },
      }),
    );
    await refresh();
    draft.discard();
  };
  const remove = async (): Promise<void> => {
    await unwrap(api.POST('/remote_step/delete/{id}', { params: { path: { id } }, body: { ...version } }));
    onClose();
    await refresh();
  };
  return (
    <RefusedFields error={draft.refused}>
      <div className={styles.form}>
        <FormRefusal />
        <NewerVersion draft={draft} valuesOf={valuesOf} asText={asText} />
        <TextInput
          name="name"
          label={text('name')}
          value={values.name}
          onChange={(name) => draft.change({ ...values, name })}
        />
        <TextInput
          name="desc"
          label={text('desc')}
          value={values.desc}
          onChange={(desc) => draft.change({ ...values, desc })}
        />
        <ManagedNote set={base.managed_by} />
        <TextArea
          name="actions"
          label={text('stepActions')}
          value={values.actions.join('\n')}
          onChange={(lines) => draft.change({ ...values, actions: lines.split('\n') })}
        />
        <div className={styles.buttons}>
          <DeleteButton name={step.name} resource="remote_step" id={id} onDelete={remove} />
          <SaveButton
            name={step.name}
            resource="remote_step"
            id={id}
            draft={draft}
            valuesOf={valuesOf}
            asText={asText}
            nextVersion={(base.version ?? 0) + 1}
            impossible={
              draft.newer &&
              text('meanwhile', {
                who: draft.newer.updated_by ?? '',
                version: draft.newer.version ?? 0,
                base: base.version ?? 0,
              })
            }
            onSave={save}
          />
        </div>
      </div>
    </RefusedFields>
  );
}
