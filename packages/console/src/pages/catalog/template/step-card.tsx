import type { StepOption, UsableStep } from '@rigel/api-client';
import type { KeyboardEvent, ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Check, NumberInput, Select, TextInput } from '../../../ui/field.js';
import styles from './template.module.css';
import { templateWords } from './words.js';

interface StepCardProps {
  step: StepOption;
  /** From 0. */
  index: number;
  count: number;
  usable: readonly UsableStep[];
  onChange: (step: StepOption) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}

/** One step of a template: what it runs, with which values, and what happens when it fails. */
export function StepCard({
  step,
  index,
  count,
  usable,
  onChange,
  onMove,
  onRemove,
}: StepCardProps): ReactNode {
  const text = useWords(templateWords);
  const number = index + 1;
  const known = usable.find(({ name }) => name === step.name);
  const choices = usable.map(({ name }) => [name, name] as const);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowUp: index - 1, ArrowDown: index + 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to < count) onMove(to);
  };
  const { timeout: _, ...withoutTimeout } = step;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are for whatever in it has the focus.
    <div className={styles.card} onKeyDown={onKeyDown}>
      <div className={styles.head}>
        <b>{number}</b>
        <Select
          name={`steps.${index}.name`}
          label={text('stepName')}
          value={step.name}
          choices={known ? choices : [[step.name, step.name] as const, ...choices]}
          onChange={(name) => onChange({ ...step, name })}
          error={known ? undefined : text('noSuchStep')}
        />
        <NumberInput
          name={`steps.${index}.retry.retry_times`}
          label={text('retries')}
          value={step.retry.retry_times}
          min={0}
          max={100}
          onChange={(times) => onChange({ ...step, retry: { ...step.retry, retry_times: times ?? 0 } })}
        />
        <NumberInput
          name={`steps.${index}.timeout`}
          label={text('timeout')}
          value={step.timeout}
          min={1}
          max={86_400}
          onChange={(timeout) => onChange(timeout === undefined ? withoutTimeout : { ...step, timeout })}
        />
        <Check
          isSelected={step.retry.ignore_error}
          onChange={(ignore_error) => onChange({ ...step, retry: { ...step.retry, ignore_error } })}
        >
          {text('ignore')}
        </Check>
        <span className={styles.moves}>
          <Button kind="quiet" label={text('up', { number })} onPress={() => index > 0 && onMove(index - 1)}>
            ↑
          </Button>
          <Button
            kind="quiet"
            label={text('down', { number })}
            onPress={() => index < count - 1 && onMove(index + 1)}
          >
            ↓
          </Button>
          <Button kind="quiet" label={text('remove', { number })} onPress={onRemove}>
            ✕
          </Button>
        </span>
      </div>
      {known && <Values step={step} place={`steps.${index}`} known={known} onChange={onChange} />}
    </div>
  );
}

function Values({
  step,
  place,
  known,
  onChange,
}: {
  step: StepOption;
  /** Its place in the request: `steps.0`. */
  place: string;
  known: UsableStep;
  onChange: (step: StepOption) => void;
}): ReactNode {
  const text = useWords(templateWords);
  const { param_values } = step;
  const declared = Object.entries(known.params);
  const others = Object.keys(param_values).filter((name) => !Object.hasOwn(known.params, name));
  const set = (name: string, value: unknown): void => {
    const { [name]: _, ...rest } = param_values;
    onChange({ ...step, param_values: value === '' ? rest : { ...rest, [name]: value } });
  };
  return (
    <div className={styles.values}>
      {declared.map(([name, type]) => {
        const value = Object.hasOwn(param_values, name) ? param_values[name] : undefined;
        const secret = secretIn(value);
        return (
          <div key={name} className={styles.value}>
            <TextInput
              name={`${place}.param_values.${name}`}
              label={secret === undefined ? text('valueOf', { name, type }) : text('secretOf', { name })}
              value={secret ?? (value === undefined ? '' : String(value))}
              onChange={(given) => set(name, secret === undefined ? given : { secret: given })}
              hint={value === undefined ? text('fromCall') : undefined}
              isCode
            />
            {known.type === 'remote' && type === 'string' && (
              <>
                <Check
                  isSelected={secret !== undefined}
                  onChange={(is) => set(name, is ? { secret: '' } : (secret ?? ''))}
                >
                  {text('isSecret')}
                </Check>
                <AllowedSecrets step={step} place={place} name={name} onChange={onChange} />
              </>
            )}
          </div>
        );
      })}
      {others.length > 0 && (
        <p className={styles.quiet}>{text('otherValues', { names: others.join(', ') })}</p>
      )}
    </div>
  );
}

/** The name of the secret that a value names; undefined: it is another value. */
function secretIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { secret } = value as { secret?: unknown };
  return typeof secret === 'string' ? secret : undefined;
}

function AllowedSecrets({
  step,
  place,
  name,
  onChange,
}: {
  step: StepOption;
  place: string;
  name: string;
  onChange: (step: StepOption) => void;
}): ReactNode {
  const text = useWords(templateWords);
  const { allowed_secrets = {}, ...rest } = step;
  const names = Object.hasOwn(allowed_secrets, name) ? (allowed_secrets[name] ?? []) : [];
  return (
    <details className={styles.secrets} open={names.length > 0}>
      <summary>{text('secrets', { name })}</summary>
      <TextInput
        name={`${place}.allowed_secrets.${name}`}
        label={text('secrets', { name })}
        hint={text('secretsHint')}
        value={names.join(',')}
        isCode
        onChange={(typed) => {
          const { [name]: _, ...others } = allowed_secrets;
          const allowed =
            typed === '' ? others : { ...others, [name]: typed.split(',').map((one) => one.trim()) };
          onChange(Object.keys(allowed).length === 0 ? rest : { ...rest, allowed_secrets: allowed });
        }}
      />
    </details>
  );
}
