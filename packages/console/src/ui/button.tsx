import { type ReactNode, type Ref, useId } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import type { Need } from '../app/role.js';
import styles from './controls.module.css';
import { useForbidden } from './forbidden.js';

export interface ButtonProps {
  children: ReactNode;
  onPress: () => void;
  /** `primary`: the main action of a page or dialog; `danger`: ends or removes something; `quiet`: without a border. */
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  /** What the action needs. Without it the button is shown, can be focused, and says why it does nothing. */
  needs?: Need;
  /** Why the action is not possible now; the button then says so instead of acting. */
  impossible?: string | undefined;
  /** The action is under way: the button cannot be pressed again. */
  isPending?: boolean;
  /** For a button whose content is no words. */
  label?: string;
  autoFocus?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({
  children,
  onPress,
  kind = 'plain',
  needs,
  impossible,
  isPending = false,
  label,
  autoFocus = false,
  ref,
}: ButtonProps): ReactNode {
  const forbidden = useForbidden();
  const reason = useId();
  const className = `${styles.button} ${styles[kind] ?? ''}`;
  const why = forbidden(needs) ?? impossible;
  return (
    // One element in every case: it keeps the focus when the action becomes possible, or impossible.
    <AriaButton
      {...(ref ? { ref } : {})}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...(why === undefined ? {} : { 'aria-describedby': reason })}
      className={className}
      // Not the component’s own isPending, which leaves an announcement without words where the button goes away meanwhile.
      aria-disabled={isPending || why !== undefined}
      autoFocus={autoFocus}
      onPress={() => {
        if (!isPending && why === undefined) onPress();
      }}
      render={(props) => <button {...props} title={why} data-disabled={why !== undefined || undefined} />}
    >
      {children}
      {why !== undefined && (
        <span id={reason} hidden>
          {why}
        </span>
      )}
    </AriaButton>
  );
}
