import type { ReactNode } from 'react';
import { useWords } from '../../../text/intl.js';
import { TextInput } from '../../../ui/field.js';
import { MOST_REASON } from './may.js';
import { actionWords } from './words.js';

interface ReasonFieldProps {
  value: string;
  onChange: (value: string) => void;
}

/** Why somebody does it: log, history and why tell it. */
export function ReasonField({ value, onChange }: ReasonFieldProps): ReactNode {
  const text = useWords(actionWords);
  return (
    <TextInput
      label={text('reason')}
      hint={text('reason.hint')}
      error={value.trim().length > MOST_REASON ? text('reason.long', { most: MOST_REASON }) : undefined}
      value={value}
      onChange={onChange}
    />
  );
}

/** A reason as a field of a request: a blank one is none. */
export const reasonIn = (value: string): { reason?: string } =>
  value.trim() === '' ? {} : { reason: value.trim() };
