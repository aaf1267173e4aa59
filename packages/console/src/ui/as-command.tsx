import type { ReactNode } from 'react';
import { type ApiRequest, curlLine } from '../api/curl-line.js';
import { apiRoot } from '../app/place.js';
import { useWho } from '../app/role.js';
import { useWords } from '../text/intl.js';
import styles from './as-command.module.css';
import { CopyButton } from './copy.js';

/** What the page shows or the dialog does, as a line for a shell; a line for each of several requests. */
export function AsCommand({ request }: { request: ApiRequest | readonly ApiRequest[] }): ReactNode {
  const text = useWords();
  const { access } = useWho();
  const requests: readonly ApiRequest[] = 'path' in request ? [request] : request;
  const line = requests.map((one) => curlLine(one, apiRoot.href, access)).join('\n');
  return (
    <details className={styles.command}>
      <summary>{text('command.title')}</summary>
      <pre>
        <code>{line}</code>
      </pre>
      <CopyButton text={line} />
    </details>
  );
}
