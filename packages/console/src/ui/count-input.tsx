import type { ReactNode } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import { type FieldProps, Notes } from './field.js';
import styles from './field.module.css';

interface CountInputProps extends FieldProps {
  /** As it was typed: what is no whole number stays on the screen, and `countOf` says so. */
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

/** A number of things, which counts while it is typed and not only when the field is left. */
export function CountInput({ value, onChange, autoFocus = false, ...field }: CountInputProps): ReactNode {
  const { label, error, isRequired = false } = field;
  return (
    <TextField
      className={styles.field ?? ''}
      value={value}
      onChange={onChange}
      isInvalid={error !== undefined}
      isRequired={isRequired}
      validationBehavior="aria"
      autoComplete="off"
      inputMode="numeric"
      autoFocus={autoFocus}
    >
      <Label>{label}</Label>
      <Input className={`${styles.input} ${styles.number}`} />
      <Notes {...field} />
    </TextField>
  );
}

/** The number that was typed. @returns undefined: nothing was; NaN: it is no whole number from `least` to `most` */
export function countOf(text: string, least = 0, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const typed = text.trim();
  if (typed === '') return undefined;
  const count = /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
  return count >= least && count <= most ? count : Number.NaN;
}
