import { type ReactNode, useMemo, useState } from 'react';
import { useWords } from '../text/intl.js';
import { CountInput, countOf } from '../ui/count-input.js';
import { Check } from '../ui/field.js';
import styles from './plan.module.css';
import { planWords } from './words.js';

/** Batches, budget and what happens with held nodes, as the API takes them. */
export interface Limits {
  /** Absent: no limit. */
  max_num?: number;
  max_ratio?: number;
  max_fail_num?: number;
  max_fail_ratio?: number;
  held_nodes: 'refuse' | 'leave_out';
}

const RANGES = {
  num: [1, Number.MAX_SAFE_INTEGER],
  ratio: [1, 100],
  failNum: [0, Number.MAX_SAFE_INTEGER],
  failRatio: [0, 100],
} as const;
type Name = keyof typeof RANGES;

/**
 * Fields for the limits of an operation.
 * @param first what stands in the fields at first
 * @returns the fields; and the limits, undefined while a field has no number that counts
 */
export function useLimits(first: Partial<Record<Name, string>> = {}): {
  fields: ReactNode;
  limits: Limits | undefined;
} {
  const text = useWords(planWords);
  const [typed, setTyped] = useState({ num: '', ratio: '', failNum: '', failRatio: '', ...first });
  const [leavesOut, setLeavesOut] = useState(true);
  const read = (name: Name): number | undefined => countOf(typed[name], ...RANGES[name]);
  const field = (name: Name, hint?: string): ReactNode => (
    <CountInput
      label={text(`limits.${name}`)}
      value={typed[name]}
      onChange={(value) => setTyped({ ...typed, [name]: value })}
      error={Number.isNaN(read(name)) ? text(`limits.${name}.error`) : undefined}
      hint={hint}
    />
  );
  const numbers = [read('num'), read('ratio'), read('failNum'), read('failRatio')];
  const [max_num, max_ratio, max_fail_num, max_fail_ratio] = numbers;
  const text_ = JSON.stringify({
    ...{ max_num, max_ratio, max_fail_num, max_fail_ratio },
    held_nodes: leavesOut ? 'leave_out' : 'refuse',
  });
  const isWrong = numbers.some((one) => Number.isNaN(one));
  const limits = useMemo(() => (isWrong ? undefined : (JSON.parse(text_) as Limits)), [isWrong, text_]);
  const fields = (
    <>
      <div className={styles.pair}>
        {field('num')}
        {field('ratio', typed.num !== '' && typed.ratio !== '' ? text('limits.smaller') : undefined)}
      </div>
      <div className={styles.pair}>
        {field('failNum')}
        {field(
          'failRatio',
          typed.failNum !== '' && typed.failRatio !== '' ? text('limits.smaller') : undefined,
        )}
      </div>
      {typed.failNum + typed.failRatio === '' && <p className={styles.quiet}>{text('limits.fail.hint')}</p>}
      <Check isSelected={leavesOut} onChange={setLeavesOut} hint={text('limits.held.hint')}>
        {text('limits.held')}
      </Check>
    </>
  );
  return { fields, limits };
}
