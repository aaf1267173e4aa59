import { type ReactNode, useDeferredValue, useEffect, useState } from 'react';
import { type FieldProps, TextInput } from './field.js';

/** A pause in the typing, in milliseconds. */
const PAUSE_MS = 300;

interface SettledInputProps extends FieldProps {
  value: string;
  /** Called with the text, without blanks around it, when the typing pauses. */
  onSettle: (value: string) => void;
  placeholder?: string | undefined;
}

/** A text that leads to a request: it counts when the typing pauses. */
export function SettledInput({ value, onSettle, placeholder, ...field }: SettledInputProps): ReactNode {
  const [typed, setTyped] = useState(value);
  const settled = useDeferredValue(typed);
  // It was cleared elsewhere, or Back led to another value.
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was typed leads to a change.
  useEffect(() => {
    if (settled.trim() === value) return;
    const timer = setTimeout(() => onSettle(settled.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [settled]);
  return (
    <TextInput
      {...field}
      value={typed}
      onChange={setTyped}
      isCode
      {...(placeholder === undefined ? {} : { placeholder })}
    />
  );
}
