import { unwrap } from '@rigel/api-client';
import { type CheckResult, checkTemplate } from '@rigel/command-template';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, Suspense, useDeferredValue, useMemo, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { to } from '../../../app/addresses.js';
import { Heading } from '../../../app/heading.js';
import { later } from '../../../app/later.js';
import { useWords } from '../../../text/intl.js';
import { Choice } from '../../../ui/choice.js';
import { TextInput } from '../../../ui/field.js';
import { FormRefusal, RefusedFields, RefusedPart } from '../../../ui/refused-fields.js';
import { Region, reasonOf } from '../../../ui/region.js';
import { Tabs } from '../../../ui/tabs.js';
import { DeleteButton } from '../delete-button.js';
import { useDraft } from '../draft.js';
import { HistoryList } from '../history-list.js';
import { LastChange } from '../last-change.js';
import { NewerVersion, SaveButton } from '../save.js';
import { UsesList } from '../uses-list.js';
import { catalogWords } from '../words.js';
import styles from './action.module.css';
import {
  type ActionValues,
  asText,
  foreignModule,
  nextVersion,
  readAction,
  saveAction,
  valuesOf,
  type WholeAction,
} from './edited-action.js';
import { ParamsForm } from './params-form.js';
import { Placement, ProblemText } from './placement.js';
import { Preview, type Choice as PreviewChoice, type Typed, valuesFor } from './preview.js';
import { actionWords } from './words.js';

const CodeEditor = later(async () => (await import('./code-editor.js')).CodeEditor);

/** Characters up to which a text is checked at each key; longer ones only the API checks. */
const MOST_CHECKED = 100_000;

/** An action: its parameters, what it runs, and where a value lands. */
export function ActionPage(): ReactNode {
  const text = useWords(catalogWords);
  const id = Number(useParams().id);
  const query = useLiveQuery({ key: ['action', id], read: () => readAction(id) });
  return (
    <Region what={text('theAction')} query={query}>
      {(whole) => <ActionEditor key={id} whole={whole} />}
    </Region>
  );
}

function ActionEditor({ whole }: { whole: WholeAction }): ReactNode {
  const text = useWords(catalogWords);
  const words = useWords(actionWords);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const draft = useDraft(whole, valuesOf);
  const { values, base, newer } = draft;
  const { id } = whole.action;
  const [typed, setTyped] = useState<Record<string, Typed>>({});
  const [choice, setChoice] = useState<PreviewChoice>('values.quote');
  const checked = useCheck(values, typed, choice);
  const refresh = () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'tasks' });
  const save = async (): Promise<void> => {
    try {
      await saveAction(base, values);
      draft.discard();
    } finally {
      // Also after a refusal: it may be that another person saved it.
      await refresh();
    }
  };
  const remove = async (): Promise<void> => {
    const version = base.action.version === undefined ? {} : { if_version: base.action.version };
    await unwrap(api.POST('/action/delete/{id}', { params: { path: { id } }, body: version }));
    navigate(to.catalog({ tab: 'actions' }));
    await refresh();
  };
  const impossible =
    newer !== undefined
      ? text('meanwhile', { who: newer.updated_by ?? '', version: newer.version, base: base.version })
      : checked && !checked.accepted
        ? words('fixFirst')
        : undefined;
  return (
    <RefusedFields error={draft.refused}>
      <Heading title={whole.action.name}>
        <LastChange thing={whole} isChanged={draft.isChanged} />
        <DeleteButton name={whole.action.name} resource="action" id={id} onDelete={remove} />
        <SaveButton
          name={whole.action.name}
          resource="action"
          id={id}
          draft={draft}
          valuesOf={valuesOf}
          asText={asText}
          nextVersion={nextVersion(base, values)}
          impossible={impossible}
          onSave={save}
        >
          <Verdict values={values} />
        </SaveButton>
      </Heading>
      <FormRefusal className={styles.warning} />
      <NewerVersion draft={draft} valuesOf={valuesOf} asText={asText} />
      <Tabs
        label={whole.action.name}
        tabs={[
          {
            name: 'edit',
            title: text('edit'),
            content: () => (
              <Edit
                whole={whole}
                values={values}
                onChange={draft.change}
                checked={checked}
                preview={{ typed, onType: setTyped, choice, onChoose: setChoice }}
              />
            ),
          },
          {
            name: 'uses',
            title: text('uses'),
            content: () => (
              <div className={styles.section}>
                <UsesList resource="action" id={id} />
              </div>
            ),
          },
          {
            name: 'history',
            title: text('history'),
            content: () => <HistoryList resource="action" id={id} />,
          },
        ]}
      />
    </RefusedFields>
  );
}

type Params = readonly (readonly [string, 'string' | 'integer'])[];

/** The parameters of the preview: the declared ones, and those that the text uses without a declaration. */
function paramsOf({ params }: ActionValues, checked: CheckResult | undefined): Params {
  const undeclared = (checked?.uses ?? [])
    .filter(({ declared }) => declared === null)
    .map(({ name }) => name);
  return [...Object.entries(params), ...[...new Set(undeclared)].map((name) => [name, 'string'] as const)];
}

/** Checks the text as the API would, in this browser and with each key; undefined: it is too long for that. */
function useCheck(
  values: ActionValues,
  typed: Readonly<Record<string, Typed>>,
  choice: PreviewChoice,
): CheckResult | undefined {
  const { module, params, text } = useDeferredValue(values);
  return useMemo(() => {
    if (text.length > MOST_CHECKED) return undefined;
    const first = checkTemplate({ module, params, text, values: {} });
    const all = paramsOf({ name: '', desc: '', module, params, text }, first);
    return checkTemplate({ module, params, text, values: valuesFor({ params: all, typed, choice }) });
  }, [module, params, text, typed, choice]);
}

interface EditProps {
  whole: WholeAction;
  values: ActionValues;
  onChange: (values: ActionValues) => void;
  checked: CheckResult | undefined;
  preview: {
    typed: Record<string, Typed>;
    onType: (typed: Record<string, Typed>) => void;
    choice: PreviewChoice;
    onChoose: (choice: PreviewChoice) => void;
  };
}

function Edit({ whole, values, onChange, checked, preview }: EditProps): ReactNode {
  const text = useWords(catalogWords);
  const words = useWords(actionWords);
  const foreign = foreignModule(whole);
  const refusal = checked?.refusal;
  const problem = refusal
    ? [refusal.reason, refusal.advice && words('instead', { advice: refusal.advice })]
        .filter(Boolean)
        .join('\n')
    : undefined;
  return (
    <div className={styles.columns}>
      <div className={styles.left}>
        <section className={styles.section}>
          <div className={styles.names}>
            <TextInput
              name="name"
              label={text('name')}
              value={values.name}
              onChange={(name) => onChange({ ...values, name })}
            />
            <TextInput
              name="desc"
              label={text('desc')}
              value={values.desc}
              onChange={(desc) => onChange({ ...values, desc })}
            />
          </div>
          <h2>{text('params')}</h2>
          <RefusedPart name="params">
            <ParamsForm params={values.params} onChange={(params) => onChange({ ...values, params })} />
          </RefusedPart>
        </section>
        <section className={styles.section}>
          <h2>{words('text')}</h2>
          {whole.impl === undefined && <p className={styles.quiet}>{words('noImpl')}</p>}
          {foreign !== undefined && <p className={styles.warning}>{words('foreign', { module: foreign })}</p>}
          <Choice
            label={words('module')}
            value={values.module}
            choices={[
              ['shell', words('module.shell')],
              ['longscript', words('module.longscript')],
            ]}
            onChange={(module) => onChange({ ...values, module })}
          />
          <RefusedPart name="template">
            <Suspense fallback={<div className={styles.editor} />}>
              <CodeEditor
                label={words('editor')}
                value={values.text}
                onChange={(edited) => onChange({ ...values, text: edited })}
                checked={checked}
                problem={problem}
              />
            </Suspense>
          </RefusedPart>
          {refusal && <ProblemText problem={refusal} />}
          {checked === undefined && <p className={styles.quiet}>{words('tooLong')}</p>}
          {checked?.notes.map((note) => (
            <p key={note} className={styles.quiet}>
              {note}
            </p>
          ))}
        </section>
        {checked?.accepted && <Placement checked={checked} />}
      </div>
      {checked?.accepted && (
        <div className={styles.right}>
          <Preview params={paramsOf(values, checked)} checked={checked} {...preview} />
        </div>
      )}
    </div>
  );
}

/** What the API says about the text that is to be saved. */
function Verdict({ values: { module, params, text } }: { values: ActionValues }): ReactNode {
  const words = useWords(actionWords);
  const query = useQuery({
    queryKey: ['template check', module, params, text],
    queryFn: () => unwrap(api.POST('/template/check', { body: { module, params, text } })),
  });
  if (query.error) return <p role="alert">{reasonOf(query.error)}</p>;
  if (!query.data) return <p role="status">{words('checking')}</p>;
  const { refusal } = query.data;
  return refusal ? <ProblemText problem={refusal} /> : <p role="status">{words('checked')}</p>;
}
