import { type ReactNode, useId } from 'react';
import {
  Button as AriaButton,
  Select as AriaSelect,
  TextArea as AriaTextArea,
  Checkbox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  NumberField,
  Popover,
  SelectValue,
  Text,
  TextField,
} from 'react-aria-components';
import { visible } from '../text/visible.js';
import styles from './field.module.css';
import { useRefused } from './refused-fields.js';

export interface FieldProps {
  label: string;
  /** What the value means, its unit, where it comes from. */
  hint?: string | undefined;
  /** What is wrong with the value; undefined: nothing. */
  error?: string | undefined;
  /** Its name in the request, by which a refusal finds it: `steps.0.timeout`. */
  name?: string | undefined;
  isRequired?: boolean;
}

/** What is wrong with the value: what the form says, else what the API has refused. */
function useProblem({ name, error }: FieldProps) {
  const refused = useRefused<HTMLDivElement>(name);
  return { box: refused.box, error: error ?? refused.error };
}

function Notes({ hint, error }: Pick<FieldProps, 'hint' | 'error'>): ReactNode {
  return (
    <>
      {hint !== undefined && (
        <Text slot="description" className={styles.hint ?? ''}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.error ?? ''}>{error}</FieldError>
    </>
  );
}

interface TextInputProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  type?: 'text' | 'search' | 'password';
  /** Not checked for spelling, and of fixed width: an address, a pattern, a name. */
  isCode?: boolean;
  /** Digits, for which a phone shows the keys. */
  isCount?: boolean;
  autoFocus?: boolean;
}

export function TextInput({
  value,
  onChange,
  placeholder,
  type,
  isCode,
  isCount,
  autoFocus = false,
  ...field
}: TextInputProps): ReactNode {
  const { label, isRequired = false } = field;
  const { box, error } = useProblem(field);
  return (
    <TextField
      ref={box}
      className={styles.field ?? ''}
      value={value}
      onChange={onChange}
      isInvalid={error !== undefined}
      isRequired={isRequired}
      validationBehavior="aria"
      autoFocus={autoFocus}
      {...(type ? { type } : {})}
      {...(isCode ? { spellCheck: 'false' as const, autoCorrect: 'off', autoComplete: 'off' } : {})}
      {...(isCount ? { inputMode: 'numeric' as const, autoComplete: 'off' } : {})}
    >
      <Label>{label}</Label>
      <Input
        className={`${styles.input} ${isCode ? styles.code : ''} ${isCount ? styles.number : ''}`}
        {...(placeholder === undefined ? {} : { placeholder })}
      />
      <Notes hint={field.hint} error={error} />
    </TextField>
  );
}

interface TextAreaProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  placeholder?: string;
  autoFocus?: boolean;
}

/** Several lines: a list of addresses, a script. */
export function TextArea({
  value,
  onChange,
  rows = 5,
  placeholder,
  autoFocus = false,
  ...field
}: TextAreaProps): ReactNode {
  const { label, isRequired = false } = field;
  const { box, error } = useProblem(field);
  return (
    <TextField
      ref={box}
      className={styles.field ?? ''}
      value={value}
      onChange={onChange}
      isInvalid={error !== undefined}
      isRequired={isRequired}
      validationBehavior="aria"
      spellCheck="false"
      autoFocus={autoFocus}
    >
      <Label>{label}</Label>
      <AriaTextArea
        className={`${styles.input} ${styles.area} ${styles.code}`}
        rows={rows}
        {...(placeholder === undefined ? {} : { placeholder })}
      />
      <Notes hint={field.hint} error={error} />
    </TextField>
  );
}

interface NumberInputProps extends FieldProps {
  /** undefined: nothing is entered. */
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  min?: number;
  max?: number;
}

/** A whole number. */
export function NumberInput({ value, onChange, min, max, ...field }: NumberInputProps): ReactNode {
  const { label, isRequired = false } = field;
  const { box, error } = useProblem(field);
  return (
    <NumberField
      ref={box}
      className={styles.field ?? ''}
      value={value ?? Number.NaN}
      onChange={(entered) => onChange(Number.isNaN(entered) ? undefined : entered)}
      step={1}
      {...(min === undefined ? {} : { minValue: min })}
      {...(max === undefined ? {} : { maxValue: max })}
      isInvalid={error !== undefined}
      isRequired={isRequired}
      validationBehavior="aria"
    >
      <Label>{label}</Label>
      <Input className={`${styles.input} ${styles.number}`} />
      <Notes hint={field.hint} error={error} />
    </NumberField>
  );
}

interface SelectProps<Value extends string> extends FieldProps {
  value: Value;
  /** Values with the words for them. */
  choices: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
  autoFocus?: boolean;
}

/** One of many values; for a few, `Choice` shows all of them at once. */
export function Select<Value extends string>({
  value,
  choices,
  onChange,
  autoFocus = false,
  ...field
}: SelectProps<Value>): ReactNode {
  const { label } = field;
  const { box, error } = useProblem(field);
  return (
    <AriaSelect
      ref={box}
      className={styles.field ?? ''}
      selectedKey={value}
      onSelectionChange={(key) => onChange(key as Value)}
      autoFocus={autoFocus}
      isInvalid={error !== undefined}
      validationBehavior="aria"
    >
      <Label>{label}</Label>
      <AriaButton className={`${styles.input} ${styles.select}`}>
        <SelectValue />
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <path d="M2 3.5l3 3 3-3" fill="none" stroke="currentColor" strokeWidth="1.5" />
        </svg>
      </AriaButton>
      <Notes hint={field.hint} error={error} />
      <Popover className={styles.popover ?? ''}>
        <ListBox className={styles.list ?? ''}>
          {choices.map(([id, words]) => (
            <ListBoxItem key={id} id={id} textValue={visible(words)} className={styles.option ?? ''}>
              {words}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

interface CheckProps {
  isSelected: boolean;
  onChange: (isSelected: boolean) => void;
  children: ReactNode;
  isIndeterminate?: boolean;
  /** What follows from it. */
  hint?: string;
}

/** Yes or no. */
export function Check({
  isSelected,
  onChange,
  children,
  isIndeterminate = false,
  hint,
}: CheckProps): ReactNode {
  const note = useId();
  const box = (
    <Checkbox
      className={styles.check ?? ''}
      isSelected={isSelected}
      isIndeterminate={isIndeterminate}
      {...(hint === undefined ? {} : { 'aria-describedby': note })}
      onChange={onChange}
    >
      <svg viewBox="0 0 14 14" aria-hidden="true">
        <rect x="0.75" y="0.75" width="12.5" height="12.5" rx="2" />
        <path d={isIndeterminate ? 'M4 7h6' : 'M3.5 7.3l2.4 2.4 4.6-5.2'} />
      </svg>
      {children}
    </Checkbox>
  );
  if (hint === undefined) return box;
  return (
    <div>
      {box}
      <p id={note} className={styles.hint}>
        {hint}
      </p>
    </div>
  );
}
