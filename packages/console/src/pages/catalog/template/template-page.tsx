import { type StepOption, type Template, type UsableStep, unwrap } from '@rigel/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { to } from '../../../app/addresses.js';
import { Heading } from '../../../app/heading.js';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { TextInput } from '../../../ui/field.js';
import { FormRefusal, RefusedFields, RefusedPart } from '../../../ui/refused-fields.js';
import { Region } from '../../../ui/region.js';
import { Tabs } from '../../../ui/tabs.js';
import { DeleteButton } from '../delete-button.js';
import { useDraft } from '../draft.js';
import { HistoryList } from '../history-list.js';
import { LastChange } from '../last-change.js';
import { NewerVersion, SaveButton } from '../save.js';
import { UsesList } from '../uses-list.js';
import { catalogWords } from '../words.js';
import { StepCard } from './step-card.js';
import { asText, moved, rulesOf, type TemplateValues, valuesOf } from './steps.js';
import styles from './template.module.css';
import { templateWords } from './words.js';

/** A template: its steps with their values, and what it suits. */
export function TemplatePage(): ReactNode {
  const text = useWords(catalogWords);
  const id = Number(useParams().id);
  const query = useLiveQuery({
    key: ['template', id],
    read: () => unwrap(api.GET('/task_tpl/{id}', { params: { path: { id } } })),
  });
  return (
    <Region what={text('theTemplate')} query={query}>
      {(template) => <TemplateEditor key={id} template={template} />}
    </Region>
  );
}

function TemplateEditor({ template }: { template: Template }): ReactNode {
  const text = useWords(catalogWords);
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const draft = useDraft(template, valuesOf);
  const { values, base, newer } = draft;
  const { id, name } = template;
  const version = base.version === undefined ? {} : { if_version: base.version };
  const refresh = () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'tasks' });
  const save = async (): Promise<void> => {
    try {
      await unwrap(
        api.POST('/task_tpl/update/{id}', {
          params: { path: { id } },
          body: { ...values, steps: [...values.steps], ...version },
        }),
      );
      draft.discard();
    } finally {
      // Also after a refusal: it may be that another person saved it.
      await refresh();
    }
  };
  const remove = async (): Promise<void> => {
    await unwrap(api.POST('/task_tpl/delete/{id}', { params: { path: { id } }, body: version }));
    navigate(to.catalog());
    await refresh();
  };
  const impossible =
    newer &&
    text('meanwhile', {
      who: newer.updated_by ?? '',
      version: newer.version ?? 0,
      base: base.version ?? 0,
    });
  return (
    <RefusedFields error={draft.refused}>
      <Heading title={name}>
        <LastChange thing={template} isChanged={draft.isChanged} />
        <DeleteButton name={name} resource="task_tpl" id={id} onDelete={remove} />
        <SaveButton
          name={name}
          resource="task_tpl"
          id={id}
          draft={draft}
          valuesOf={valuesOf}
          asText={asText}
          nextVersion={(base.version ?? 0) + 1}
          impossible={impossible}
          onSave={save}
        />
      </Heading>
      <FormRefusal />
      <NewerVersion draft={draft} valuesOf={valuesOf} asText={asText} />
      <Tabs
        label={name}
        tabs={[
          {
            name: 'edit',
            title: text('edit'),
            content: () => <Edit values={values} onChange={draft.change} />,
          },
          {
            name: 'uses',
            title: text('uses'),
            content: () => (
              <div className={styles.section}>
                <UsesList resource="task_tpl" id={id} />
              </div>
            ),
          },
          {
            name: 'history',
            title: text('history'),
            content: () => <HistoryList resource="task_tpl" id={id} />,
          },
        ]}
      />
    </RefusedFields>
  );
}

function Edit({
  values,
  onChange,
}: {
  values: TemplateValues;
  onChange: (values: TemplateValues) => void;
}): ReactNode {
  const text = useWords(catalogWords);
  const words = useWords(templateWords);
  const query = useQuery({
    queryKey: ['usable steps'],
    queryFn: () => unwrap(api.GET('/task_step/list', { params: { query: { page: 1, page_size: 1_000 } } })),
  });
  return (
    <div className={styles.columns}>
      <div className={styles.left}>
        <section className={styles.names}>
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
        </section>
        <Region what={text('steps')} query={query}>
          {(usable) => (
            <RefusedPart name="steps">
              <Steps
                steps={values.steps}
                usable={usable}
                onChange={(steps) => onChange({ ...values, steps })}
              />
            </RefusedPart>
          )}
        </Region>
      </div>
      <aside className={styles.right}>
        <h2>{words('suits')}</h2>
        <Suits steps={values.steps} />
        <h2>{words('chain')}</h2>
        <Chain steps={values.steps} usable={query.data ?? []} />
      </aside>
    </div>
  );
}

interface StepsProps {
  steps: readonly StepOption[];
  usable: readonly UsableStep[];
  onChange: (steps: StepOption[]) => void;
}

function Steps({ steps, usable, onChange }: StepsProps): ReactNode {
  const words = useWords(templateWords);
  const list = useRef<HTMLOListElement>(null);
  const [told, tell] = useState('');
  // The keys move with the steps, so that the focus stays in the step that was moved.
  const keys = useRef<number[]>([]);
  while (keys.current.length < steps.length) keys.current.push(nextKey++);
  keys.current.length = steps.length;
  const replace = (index: number, step: StepOption): void =>
    onChange(steps.map((one, n) => (n === index ? step : one)));
  const move = (from: number, target: number): void => {
    const [key] = keys.current.splice(from, 1);
    keys.current.splice(target, 0, key as number);
    onChange(moved(steps, from, target));
    tell(words('moved', { name: steps[from]?.name ?? '', number: target + 1 }));
    // A browser takes the focus from an element that it moves.
    const focused = document.activeElement;
    requestAnimationFrame(() => {
      if (focused instanceof HTMLElement && list.current?.contains(focused)) focused.focus();
    });
  };
  const remove = (index: number): void => {
    keys.current.splice(index, 1);
    onChange(steps.filter((_, n) => n !== index));
  };
  const add = (): void => {
    const name = usable.find(({ type }) => type === 'remote')?.name ?? usable[0]?.name ?? '';
    onChange([...steps, { name, param_values: {}, retry: { retry_times: 0, ignore_error: false } }]);
  };
  return (
    <section className={styles.section}>
      <h2>{words('steps')}</h2>
      {steps.length === 0 && <p>{words('noStep')}</p>}
      <ol ref={list} className={styles.steps}>
        {steps.map((step, index) => (
          <li key={keys.current[index]} aria-label={words('step', { number: index + 1 })}>
            <RefusedPart name={`steps.${index}`}>
              <StepCard
                step={step}
                index={index}
                count={steps.length}
                usable={usable}
                onChange={(changed) => replace(index, changed)}
                onMove={(target) => move(index, target)}
                onRemove={() => remove(index)}
              />
            </RefusedPart>
          </li>
        ))}
      </ol>
      <p role="status" className="only-read-aloud">
        {told}
      </p>
      <div>
        <Button onPress={add}>{words('addStep')}</Button>
      </div>
    </section>
  );
}

let nextKey = 1;

/** For which operations of pools the template can be named, and what is missing for the others. */
function Suits({ steps }: { steps: readonly StepOption[] }): ReactNode {
  const words = useWords(templateWords);
  return (
    <ul className={styles.suits}>
      {rulesOf(steps).map(({ use, key, step, isKept }) => (
        <li key={use} data-kept={isKept}>
          <b>
            {isKept ? '✓' : '✗'} {words(use)}
          </b>
          <span className="only-read-aloud">{words(isKept ? 'yes' : 'no')}</span>
          <span>{words(key, { step })}</span>
        </li>
      ))}
    </ul>
  );
}

/** The steps one after the other, with the parameters that a caller must give. */
function Chain({
  steps,
  usable,
}: {
  steps: readonly StepOption[];
  usable: readonly UsableStep[];
}): ReactNode {
  const words = useWords(templateWords);
  return (
    <ol className={styles.chain}>
      {steps.map((step, index) => {
        const params = usable.find(({ name }) => name === step.name)?.params ?? {};
        const missing = Object.keys(params).filter((name) => !Object.hasOwn(step.param_values, name));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same step may stand in it several times.
          <li key={index}>
            <b>{step.name}</b>
            <span>{missing.length === 0 ? words('nothingNeeded') : missing.join(', ')}</span>
          </li>
        );
      })}
    </ol>
  );
}
