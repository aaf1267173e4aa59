import { ApiError, unwrap } from '@rigel/api-client';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { TextInput } from '../../ui/field.js';
import { reasonOf } from '../../ui/region.js';
import { takeCode } from './one-time-code.js';
import styles from './sign-in-page.module.css';
import { signInWords } from './words.js';

/** What a person without a session sees at every address. The address stays, so they go on where they wanted to. */
export function SignInPage({ onSignedIn }: { onSignedIn: () => void }): ReactNode {
  const text = useWords(signInWords);
  useEffect(() => {
    document.title = `${text('title')} – Rigel`;
  }, [text]);
  return (
    <main className={styles.page}>
      <h1>Rigel</h1>
      <SignInForm onSignedIn={onSignedIn} />
    </main>
  );
}

/** Exchanges a token for a session. The token leaves the form with the request, and is kept nowhere. */
export function SignInForm({ onSignedIn }: { onSignedIn: () => void }): ReactNode {
  const text = useWords(signInWords);
  const [token, setToken] = useState('');
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const signIn = async (body: { token: string } | { code: string }): Promise<void> => {
    setPending(true);
    setFailure(undefined);
    try {
      await unwrap(api.POST('/session', { body }));
      setToken('');
      onSignedIn();
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setPending(false);
    }
  };
  const start = useRef(signIn);
  start.current = signIn;
  useEffect(() => {
    const code = takeCode();
    if (code !== undefined) void start.current({ code });
  }, []);
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (token.trim() !== '' && !isPending) void signIn({ token: token.trim() });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        label={text('token')}
        hint={text('token.hint')}
        type="password"
        isCode
        value={token}
        onChange={setToken}
      />
      {failure && (
        <p role="alert" className={styles.failure}>
          {whatFailed(failure, text)}
        </p>
      )}
      <Button
        kind="primary"
        isPending={isPending}
        impossible={token.trim() === '' ? text('token.missing') : undefined}
        onPress={() => submit()}
      >
        {text('title')}
      </Button>
    </form>
  );
}

function whatFailed(error: Error, text: (key: 'refused' | 'tooMany') => string): string {
  if (!(error instanceof ApiError)) return reasonOf(error);
  if (error.code === 401) return text('refused');
  return error.code === 429 ? text('tooMany') : reasonOf(error);
}
