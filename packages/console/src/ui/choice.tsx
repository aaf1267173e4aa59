import type { ReactNode } from 'react';
import { Label, Radio, RadioGroup } from 'react-aria-components';
import styles from './controls.module.css';

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  /** Values with the words for them, in the order in which they are shown. */
  choices: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}

/** One of a few values, all of them in sight. */
export function Choice<Value extends string>({
  label,
  value,
  choices,
  onChange,
}: ChoiceProps<Value>): ReactNode {
  return (
    <RadioGroup value={value} onChange={(chosen) => onChange(chosen as Value)} orientation="horizontal">
      <Label>{label}</Label>
      <div className={styles.choices}>
        {choices.map(([name, words]) => (
          <Radio key={name} value={name} className={styles.choice ?? ''}>
            {words}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}
