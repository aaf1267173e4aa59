import type { Preview } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { useWho } from '../../app/role.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Select, TextArea, TextInput } from '../../ui/field.js';
import styles from './new-task.module.css';
import { givenFor, type ParamField, problemOf, secretIn, withValue } from './params.js';
import { newTaskWords } from './words.js';

type Params = Readonly<Record<string, unknown>>;

interface ParamsSectionProps {
  fields: readonly ParamField[];
  params: Params;
  onChange: (params: Params) => void;
  /** The plan of these values; it knows what pools and services give. */
  preview: Preview | undefined;
}

/** The parameters of a template: each with its type, and where its value comes from. */
export function ParamsSection({ fields, params, onChange, preview }: ParamsSectionProps): ReactNode {
  const text = useWords(newTaskWords);
  if (fields.length === 0) return <p className={styles.quiet}>{text('params.none')}</p>;
  return (
    <div className={styles.params}>
      {fields.map((field) => (
        <Param
          key={`${field.step ?? ''} ${field.name}`}
          field={field}
          value={givenFor(params, field)}
          planned={plannedOf(preview, field)}
          onChange={(value) => onChange(withValue(params, field, value))}
        />
      ))}
    </div>
  );
}

type Planned = Preview['steps'][number]['params'][number];

function plannedOf(preview: Preview | undefined, { name, steps }: ParamField): Planned | undefined {
  const step = preview?.steps.find((one) => steps.includes(one.name));
  return step?.params.find((param) => param.name === name);
}

interface ParamProps {
  field: ParamField;
  /** undefined: the template’s own counts, or what pool and service give. */
  value: unknown;
  planned: Planned | undefined;
  onChange: (value: unknown) => void;
}

function Param({ field, value, planned, onChange }: ParamProps): ReactNode {
  const text = useWords(newTaskWords);
  const { name, steps, step, type, template } = field;
  const label = text('param.label', {
    name,
    type: text(type === 'integer' ? 'type.integer' : 'type.string'),
  });
  const problem = problemOf(field, value);
  return (
    <div className={styles.param}>
      <div className={styles.value}>
        <Entry
          field={field}
          label={label}
          value={value}
          onChange={onChange}
          problem={problem && text(problem)}
        />
      </div>
      <p className={styles.source} data-given={value !== undefined || undefined}>
        <span>{sourceText(text, field, value, planned)}</span>
        <span>{text(step === undefined ? 'param.steps' : 'param.step', { steps: steps.join(', ') })}</span>
        {value !== undefined && (
          <Button kind="quiet" onPress={() => onChange(undefined)}>
            {text(template === undefined ? 'param.clear' : 'param.reset')}
            <span className="only-read-aloud"> {name}</span>
          </Button>
        )}
      </p>
    </div>
  );
}

type Text = ReturnType<typeof useWords<KeysOfSource>>;
type KeysOfSource =
  | 'source.call'
  | 'source.secret'
  | 'source.template'
  | 'source.pool'
  | 'source.service'
  | 'source.none'
  | 'source.later';

/** Where the value comes from, and which it is if it is not that of the field. */
function sourceText(text: Text, field: ParamField, value: unknown, planned: Planned | undefined): string {
  if (value !== undefined) return text('source.call');
  if (planned && planned.source !== 'call' && planned.source !== 'template')
    return text(`source.${planned.source}`, { value: planned.value });
  const secret = secretIn(field.template);
  if (secret !== undefined) return text('source.secret', { name: secret });
  if (field.template !== undefined) return text('source.template', { value: asText(field.template) });
  return text(field.kind === 'remote' ? 'source.none' : 'source.later');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface EntryProps {
  field: ParamField;
  label: string;
  value: unknown;
  problem: string | undefined;
  onChange: (value: unknown) => void;
}

/** What the select of a secret means: a text, or a name that an admin enters. */
const TEXT = 'text';
const OTHER = 'other';

/** The field itself: a number, a text, or the name of a secret, whose value never comes here. */
function Entry({ field, label, value, problem, onChange }: EntryProps): ReactNode {
  const text = useWords(newTaskWords);
  const who = useWho();
  const { type, template, secrets, kind } = field;
  const used = value ?? template;
  const secret = secretIn(used);
  const mayName = kind === 'remote' && type === 'string' && (secrets.length > 0 || who.may('admin'));
  const isOther = secret !== undefined && !secrets.includes(secret);
  const choice = mayName && (secrets.length > 0 || secret !== undefined) && (
    <Select
      label={secret === undefined ? text('secret.what', { name: field.name }) : label}
      value={secret === undefined ? TEXT : isOther ? OTHER : `secret ${secret}`}
      choices={[
        [TEXT, text('secret.text')],
        ...secrets.map((name) => [`secret ${name}`, text('secret.name', { name })] as const),
        ...(who.may('admin') || isOther ? [[OTHER, text('secret.other')] as const] : []),
      ]}
      onChange={(chosen) => {
        if (chosen === TEXT) onChange(secretIn(template) === undefined ? undefined : '');
        else if (chosen === OTHER) onChange({ secret: '' });
        else onChange({ secret: chosen.slice('secret '.length) });
      }}
    />
  );
  return (
    <>
      {secret === undefined && (
        <Plain
          label={label}
          type={type}
          value={value}
          template={template}
          problem={problem}
          onChange={onChange}
        />
      )}
      {secret !== undefined && isOther && (
        <TextInput
          label={text('secret.nameOf', { name: field.name })}
          value={secret}
          onChange={(name) => onChange({ secret: name })}
          error={secret.trim() === '' ? text('secret.needed') : undefined}
          isCode
        />
      )}
      {choice}
      {!choice && mayName && (
        <Button kind="quiet" onPress={() => onChange({ secret: '' })}>
          {text('secret.use')}
          <span className="only-read-aloud"> {field.name}</span>
        </Button>
      )}
    </>
  );
}

interface PlainProps {
  label: string;
  type: string;
  value: unknown;
  template: unknown;
  problem: string | undefined;
  onChange: (value: unknown) => void;
}

function Plain({ label, type, value, template, problem, onChange }: PlainProps): ReactNode {
  const text = useWords(newTaskWords);
  const given = value === undefined ? '' : asText(value);
  const own = template === undefined || secretIn(template) !== undefined ? '' : asText(template);
  if (type === 'integer') {
    // What is no whole number stays on the screen.
    const take = (typed: string): void => {
      const isWhole = /^-?\d+$/.test(typed.trim()) && Number.isSafeInteger(Number(typed));
      onChange(typed.trim() === '' ? undefined : isWhole ? Number(typed) : typed);
    };
    return <TextInput label={label} value={given} onChange={take} error={problem} placeholder={own} isCode />;
  }
  if (given.includes('\n') || (value === undefined && own.includes('\n'))) {
    return (
      <TextArea label={label} value={given} onChange={onChange} error={problem} rows={4} placeholder={own} />
    );
  }
  const shown = value === '' ? text('value.empty') : own;
  return (
    <TextInput label={label} value={given} onChange={onChange} error={problem} placeholder={shown} isCode />
  );
}
