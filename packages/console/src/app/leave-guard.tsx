import { type ReactNode, useEffect, useState } from 'react';
import type { AroundNavHandler } from 'wouter';
import { useWords } from '../text/intl.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';

/*
 * A page with input that is not saved asks before a link leads away from it. Back and reload need no question where the address
 * has the input.
 */

/** The page that asks; undefined: none does. */
let ask: ((leave: () => void) => void) | undefined;

const pathOf = (address: string): string => address.split(/[?#]/, 1)[0] ?? '';

/** For the router: leads on at once, or lets the page ask first. */
export const aroundNav: AroundNavHandler = (navigate, to, options) => {
  const leave = (): void => navigate(to, options);
  if (ask && pathOf(to) !== location.pathname) ask(leave);
  else leave();
};

/** What was entered is saved: the page may be left. */
export function leaveFreely(): void {
  ask = undefined;
}

interface LeaveGuardProps {
  /** Something is entered that would be lost. */
  isDirty: boolean;
  /** The address has all of it, so that a reload loses nothing. */
  isKept: boolean;
}

/** Asks before the page is left. */
export function LeaveGuard({ isDirty, isKept }: LeaveGuardProps): ReactNode {
  const text = useWords();
  const [leave, setLeave] = useState<() => void>();
  useEffect(() => {
    if (!isDirty) return;
    ask = (go) => setLeave(() => go);
    return () => {
      ask = undefined;
    };
  }, [isDirty]);
  useEffect(() => {
    if (!isDirty || isKept) return;
    const onUnload = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', onUnload);
    return () => removeEventListener('beforeunload', onUnload);
  }, [isDirty, isKept]);
  return (
    <Dialog
      title={text('leave.title')}
      isOpen={leave !== undefined}
      onClose={() => setLeave(undefined)}
      buttons={
        <>
          <Button autoFocus onPress={() => setLeave(undefined)}>
            {text('leave.stay')}
          </Button>
          <Button
            kind="danger"
            onPress={() => {
              leaveFreely();
              leave?.();
            }}
          >
            {text('leave.go')}
          </Button>
        </>
      }
    >
      <p>{text('leave.what')}</p>
    </Dialog>
  );
}
