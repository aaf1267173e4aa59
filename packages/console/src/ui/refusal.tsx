import { ApiError, type Preview } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { settingsNow, useSettings } from '../app/settings.js';
import { intlNow, useIntl, useWords } from '../text/intl.js';
import { refusalWords } from '../text/refusal-words.js';
import { type Manner, tellRefusal } from '../text/refusals.js';
import styles from './refusal.module.css';

/** The language and zone that are chosen now. */
const mannerNow = (): Manner => ({
  intl: intlNow(),
  zone: settingsNow().zone === 'utc' ? 'UTC' : undefined,
});

/** The language and zone of the person, for a component. */
export function useManner(): Manner {
  const intl = useIntl();
  const { zone } = useSettings();
  return { intl, zone: zone === 'utc' ? 'UTC' : undefined };
}

/** Why something failed, in one line: told from the refusal's code; else what the server says, or that there was no answer at all. */
export function reasonOf(error: Error): string {
  if (!(error instanceof ApiError)) return error.message;
  const told = error.reason && tellRefusal(error.reason, mannerNow(), error.message);
  return told ?? `${error.message} (${error.code})`;
}

/** Why an operation would be refused as things stand, as its preview says; undefined: it would not be. */
export function refusedBecause({ refused, reason }: Pick<Preview, 'refused' | 'reason'>): string | undefined {
  if (refused === null) return undefined;
  return (reason && tellRefusal(reason, mannerNow(), refused)) ?? refused;
}

/** Why something failed, in the person's language, with the server's own words in its details. */
export function Refusal({ error }: { error: Error }): ReactNode {
  const text = useWords(refusalWords);
  const told = reasonOf(error);
  if (!(error instanceof ApiError) || told.startsWith(error.message)) return <p>{told}</p>;
  const { code, field } = error.reason ?? { code: '', field: null };
  return (
    <div>
      <p>{told}</p>
      <ServerSays words={error.message}>
        <p>
          {text('details.code', { code, status: error.code })}
          {field !== null && ` · ${text('details.field', { field })}`}
        </p>
      </ServerSays>
    </div>
  );
}

/** What the server itself says, for who wants it. */
export function ServerSays({ words, children }: { words: string; children?: ReactNode }): ReactNode {
  const text = useWords(refusalWords);
  return (
    <details className={styles.details}>
      <summary>{text('details')}</summary>
      <dl>
        <dt>{text('details.server')}</dt>
        <dd lang="en">{words}</dd>
      </dl>
      {children}
    </details>
  );
}
