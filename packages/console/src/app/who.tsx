import { ApiError, unwrap } from '@rigel/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { api, onSignedOut } from '../api/api.js';
import { SignInForm, SignInPage } from '../pages/sign-in/sign-in-page.js';
import { useWords } from '../text/intl.js';
import { Button } from '../ui/button.js';
import { Dialog } from '../ui/dialog.js';
import { Region } from '../ui/region.js';
import { useNameFor } from './operator-name.js';
import { covers, type Need, type Role, WhoContext } from './role.js';
import { whoWords } from './who-words.js';

const KEY = ['session'];
/** How often the console asks who it is: the role of a token does not change, but access may be turned on. */
const ASK_MS = 60_000;
/** How often while that is not known: somebody may sign in in another tab, and what refused the request may be a proxy. */
const ASK_AGAIN_MS = 15_000;

/**
 * Finds out who the person in front of the console is, and has them sign in where that is needed. What was on the screen
 * stays when a session ends: they sign in again in a dialog, and go on with what they had typed.
 */
export function WhoGate({ children }: { children: ReactNode }): ReactNode {
  const text = useWords(whoWords);
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: KEY,
    queryFn: () => unwrap(api.GET('/session')),
    refetchInterval: ({ state }) => (state.error ? ASK_AGAIN_MS : ASK_MS),
  });
  const known = query.data;
  const access = known?.access ?? 'on';
  useNameFor(access);
  // A request that was refused may have met a proxy: the session is over when the API says so of the session itself.
  const { refetch } = query;
  useEffect(() => onSignedOut(() => void refetch()), [refetch]);
  const isOver = known !== undefined && isSignedOut(query.error);
  const [isPutOff, setPutOff] = useState(false);
  useEffect(() => {
    if (!isPutOff) return;
    const timer = setTimeout(() => setPutOff(false), ASK_MS);
    return () => clearTimeout(timer);
  }, [isPutOff]);
  const who = useMemo(
    () =>
      known && {
        name: known.name,
        role: known.role as Role,
        access,
        by: known.by,
        expiresAt: known.expires_at,
        may: (needed: Need) => (needed === 'run' ? known.may_run : covers(known.role as Role, needed)),
      },
    [known, access],
  );
  const onSignedIn = async (): Promise<void> => {
    setPutOff(false);
    await queries.invalidateQueries();
  };
  if (who === undefined) {
    if (isSignedOut(query.error)) return <SignInPage onSignedIn={() => void onSignedIn()} />;
    return (
      <Region what={text('who')} query={query}>
        {() => null}
      </Region>
    );
  }
  return (
    <WhoContext value={who}>
      {children}
      <Dialog
        title={text('over')}
        isOpen={isOver && !isPutOff}
        onClose={() => setPutOff(true)}
        buttons={
          <Button kind="quiet" onPress={() => setPutOff(true)}>
            {text('later')}
          </Button>
        }
      >
        <p>{text('over.what')}</p>
        <SignInForm onSignedIn={() => void onSignedIn()} />
      </Dialog>
    </WhoContext>
  );
}

function isSignedOut(error: Error | null): boolean {
  return error instanceof ApiError && error.code === 401;
}
