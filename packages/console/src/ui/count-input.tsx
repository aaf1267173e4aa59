import type { ReactNode } from 'react';
import { type FieldProps, TextInput } from './field.js';

interface CountInputProps extends FieldProps {
  /** As it was typed: what is no whole number stays on the screen, and `countOf` says so. */
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

/** A number of things, which counts while it is typed and not only when the field is left. */
export function CountInput(props: CountInputProps): ReactNode {
  return <TextInput {...props} isCount />;
}

/** The number that was typed. @returns undefined: nothing was; NaN: it is no whole number from `least` to `most` */
export function countOf(text: string, least = 0, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const typed = text.trim();
  if (typed === '') return undefined;
  const count = /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
  return count >= least && count <= most ? count : Number.NaN;
}
