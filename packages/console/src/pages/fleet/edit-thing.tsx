import { ApiError, once, unwrap } from '@rigel/api-client';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { AsCommand } from '../../ui/as-command.js';
import { ConfirmDialog } from '../../ui/dialog.js';
import { NumberInput, Select, TextInput } from '../../ui/field.js';
import { SearchSelect } from '../../ui/search-select.js';
import { searchTemplates } from '../catalog/search-templates.js';
import { useTemplateName } from '../catalog/template-name.js';
import { labelsIn, typedLabels } from '../nodes/label-changes.js';
import styles from './fleet.module.css';
import { fleetWords } from './words.js';

export type ThingKind = 'cluster' | 'service' | 'pool';

/** A place to put a new thing, or one to choose. */
export interface Named {
  id: number;
  name: string;
}

/** What is edited: an existing thing, or a new one in a parent. */
export interface Editing {
  kind: ThingKind;
  id?: number;
  parent?: number;
}

type Values = Record<string, string | number>;

/** The HTTP status of a save that was made from another version than the stored one. */
const CHANGED_MEANWHILE = 409;

const TEXTS: Record<ThingKind, readonly string[]> = {
  cluster: ['name', 'desc', 'biz'],
  service: ['name', 'desc', 'service_type', 'docker_image'],
  pool: ['name', 'desc'],
};
const IDS = ['vm_type', 'sd_id'] as const;
/** What a pool's templates are for; in the request they stand in a part of their own. */
const TEMPLATES = ['expand', 'shrink', 'deploy'] as const;
const FRESH: Record<ThingKind, Values> = {
  cluster: { name: '', desc: '', biz: '1' },
  service: { name: '', desc: '', service_type: '', docker_image: '-' },
  pool: { name: '', desc: '', labels: '', vm_type: 0, sd_id: 0, expand: 0, shrink: 0, deploy: 0 },
};

interface Stored {
  values: Values;
  version: number | undefined;
  by: string;
}

async function readStored({ kind, id = 0 }: Editing): Promise<Stored> {
  const params = { path: { id } };
  if (kind === 'cluster') {
    const { name, desc, biz, ...stamp } = await unwrap(api.GET('/cluster/{id}', { params }));
    return { values: { name, desc, biz }, version: stamp.version, by: stamp.updated_by ?? '' };
  }
  if (kind === 'service') {
    const row = await unwrap(api.GET('/service/{id}', { params }));
    const { name, desc, service_type, docker_image, cluster_id } = row;
    const values = { name, desc, service_type, docker_image, cluster_id };
    return { values, version: row.version, by: row.updated_by ?? '' };
  }
  const row = await unwrap(api.GET('/pool/{id}', { params }));
  const { name, desc, vm_type, sd_id, tasks } = row;
  const values = { name, desc, labels: typedLabels(row.labels), vm_type, sd_id, ...tasks };
  return { values, version: row.version, by: row.updated_by ?? '' };
}

/** The body of a save: the pool's templates stand in a part of their own, and so do its labels. */
function bodyOf(kind: ThingKind, values: Values): Record<string, unknown> {
  if (kind !== 'pool') return values;
  const { expand, shrink, deploy, labels, ...fields } = values;
  return { ...fields, labels: labelsIn(String(labels)).set, tasks: { expand, shrink, deploy } };
}

async function save(
  editing: Editing,
  values: Values,
  version: number | undefined,
  key: ReturnType<typeof once>,
) {
  const { kind, id, parent } = editing;
  const above = kind === 'service' ? { cluster_id: parent } : kind === 'pool' ? { service_id: parent } : {};
  // The body was made from the fields of the kind: one type for all three would not say more.
  const body = (id === undefined
    ? { ...bodyOf(kind, values), ...above }
    : { ...bodyOf(kind, values), if_version: version }) as unknown as never;
  if (id === undefined) {
    const params = { header: key.headers };
    if (kind === 'cluster') return unwrap(api.POST('/cluster/create', { body, params }));
    if (kind === 'service') return unwrap(api.POST('/service/create', { body, params }));
    return unwrap(api.POST('/pool/create', { body, params }));
  }
  const params = { path: { id } };
  if (kind === 'cluster') return unwrap(api.POST('/cluster/update/{id}', { body, params }));
  if (kind === 'service') return unwrap(api.POST('/service/update/{id}', { body, params }));
  return unwrap(api.POST('/pool/update/{id}', { body, params }));
}

interface EditThingProps {
  editing: Editing | undefined;
  /** Clusters to choose from, for a service. */
  clusters?: readonly Named[];
  onClose: () => void;
  onSaved: () => void;
}

/** Creates or edits a cluster, a service or a pool. A save names the version that it was made from. */
export function EditThing(props: EditThingProps): ReactNode {
  return props.editing ? <OpenEditThing {...props} editing={props.editing} /> : null;
}

function OpenEditThing({
  editing,
  clusters = [],
  onClose,
  onSaved,
}: EditThingProps & { editing: Editing }): ReactNode {
  const text = useWords(fleetWords);
  const { kind, id } = editing;
  const [values, setValues] = useState<Values | undefined>(id === undefined ? FRESH[kind] : undefined);
  const [stored, setStored] = useState<Stored>();
  const [changed, setChanged] = useState(false);
  const key = useRef(once());
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once, when the dialog opens.
  useEffect(() => {
    if (id === undefined) return;
    void readStored(editing).then((found) => {
      setStored(found);
      setValues(found.values);
    });
  }, []);
  const confirm = async (): Promise<void> => {
    try {
      await save(editing, values ?? {}, stored?.version, key.current);
    } catch (error) {
      if (error instanceof ApiError && error.code === CHANGED_MEANWHILE) {
        // What somebody else saved is shown beside what was typed, and the next save is made from it.
        setStored(await readStored(editing));
        setChanged(true);
      }
      throw error;
    }
    onSaved();
  };
  const set = (name: string, value: string | number): void => setValues({ ...values, [name]: value });
  const hintOf = (name: string): string | undefined => {
    const now = stored?.values[name];
    return changed && now !== values?.[name] ? text('edit.stored', { value: String(now) }) : undefined;
  };
  const { wrong } = labelsIn(String(values?.labels ?? ''));
  const wrongLabel = wrong === undefined ? undefined : text('field.labels.wrong', { entry: wrong });
  const word = text(kind);
  const path = id === undefined ? `${kind}/create` : `${kind}/update/${id}`;
  return (
    <ConfirmDialog
      title={
        id === undefined
          ? text('new.title', { kind: word })
          : text('edit.title', { kind: word, name: String(stored?.values.name ?? '') })
      }
      isOpen
      onClose={onClose}
      kind="primary"
      action={text(id === undefined ? 'edit.create' : 'edit.save')}
      impossible={values ? wrongLabel : text('fleet.what')}
      onConfirm={confirm}
      isForm
    >
      {changed && (
        <p role="alert" className={styles.changed}>
          {text('edit.changed')}
        </p>
      )}
      <div className={styles.form}>
        {values &&
          TEXTS[kind].map((name) => (
            <TextInput
              key={name}
              name={name}
              autoFocus={name === 'name'}
              label={text(`field.${name}` as 'field.name')}
              hint={hintOf(name)}
              value={String(values[name] ?? '')}
              onChange={(value) => set(name, value)}
            />
          ))}
        {values && kind === 'service' && id !== undefined && clusters.length > 0 && (
          <Select
            name="cluster_id"
            label={text('field.cluster_id')}
            hint={hintOf('cluster_id')}
            value={String(values.cluster_id)}
            choices={clusters.map((cluster) => [String(cluster.id), cluster.name] as const)}
            onChange={(value) => set('cluster_id', Number(value))}
          />
        )}
        {values && kind === 'pool' && (
          <TextInput
            name="labels"
            label={text('field.labels')}
            hint={hintOf('labels') ?? text('field.labels.hint')}
            value={String(values.labels ?? '')}
            onChange={(value) => set('labels', value)}
            error={wrongLabel}
            placeholder="zone=b tier=front"
            isCode
          />
        )}
        {values &&
          kind === 'pool' &&
          IDS.map((name) => (
            <NumberInput
              key={name}
              name={name}
              label={text(`field.${name}`)}
              hint={hintOf(name) ?? text('field.id.hint')}
              min={0}
              value={Number(values[name] ?? 0)}
              onChange={(value) => set(name, value ?? 0)}
            />
          ))}
        {values &&
          kind === 'pool' &&
          TEMPLATES.map((use) => (
            <TemplateSelect
              key={use}
              use={use}
              id={Number(values[use] ?? 0)}
              hint={hintOf(use)}
              onChoose={(chosen) => set(use, chosen)}
            />
          ))}
      </div>
      {stored?.version !== undefined && (
        <p className={styles.quiet}>{text('edit.by', { version: stored.version, who: stored.by })}</p>
      )}
      {values && <AsCommand request={{ method: 'POST', path, body: bodyOf(kind, values) }} />}
    </ConfirmDialog>
  );
}

interface TemplateSelectProps {
  use: (typeof TEMPLATES)[number];
  /** 0: none. */
  id: number;
  hint: string | undefined;
  onChoose: (id: number) => void;
}

function TemplateSelect({ use, id, hint, onChoose }: TemplateSelectProps): ReactNode {
  const text = useWords(fleetWords);
  const none = text('none');
  const name = useTemplateName(id);
  return (
    <SearchSelect
      name={`tasks.${use}`}
      label={text(`field.${use}`)}
      what="templates or none"
      chosen={id === 0 ? none : name}
      search={async (q) => [
        ...(q === '' || none.includes(q) ? [{ id: 0, name: none }] : []),
        ...(await searchTemplates(q)),
      ]}
      onChoose={(found) => onChoose(found.id)}
      hint={hint}
    />
  );
}

interface DeleteThingProps {
  deleting: ({ kind: ThingKind; version?: number | undefined } & Named) | undefined;
  onClose: () => void;
  onDeleted: () => void;
}

/** Deletes a cluster, a service or a pool, if nobody has changed it since it was shown. */
export function DeleteThing({ deleting, onClose, onDeleted }: DeleteThingProps): ReactNode {
  const text = useWords(fleetWords);
  if (!deleting) return null;
  const { kind, id, name, version } = deleting;
  const values = { kind: text(kind), name };
  const confirm = async (): Promise<void> => {
    const request = {
      params: { path: { id } },
      body: version === undefined ? {} : { if_version: version },
    };
    if (kind === 'cluster') await unwrap(api.POST('/cluster/delete/{id}', request));
    else if (kind === 'service') await unwrap(api.POST('/service/delete/{id}', request));
    else await unwrap(api.POST('/pool/delete/{id}', request));
    onDeleted();
  };
  return (
    <ConfirmDialog
      title={text('delete.title', values)}
      isOpen
      onClose={onClose}
      action={text('delete.action', { kind: text(kind) })}
      onConfirm={confirm}
    >
      <p>{text('delete.what', values)}</p>
      <AsCommand request={{ method: 'POST', path: `${kind}/delete/${id}` }} />
    </ConfirmDialog>
  );
}
