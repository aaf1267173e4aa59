import type { ReactNode } from 'react';
import { apiRoot } from '../app/place.js';
import { useWho } from '../app/who.js';
import { useWords } from '../text/intl.js';
import styles from './as-command.module.css';
import { CopyButton } from './copy.js';

/** A request of the API. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below the API's root, with its query: `task/stop/42`. */
  path: string;
  body?: unknown;
}

/** A text as one argument of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The line for a shell that does the same; the token stays in the shell's variable. */
export function curlLine(request: ApiRequest, root: string, access: 'on' | 'off'): string {
  const parts = ['curl -sS'];
  if (request.method !== (request.body === undefined ? 'GET' : 'POST')) parts.push(`-X ${request.method}`);
  if (access === 'on') parts.push('-H "Authorization: Bearer $RIGEL_TOKEN"');
  parts.push(quoted(root + request.path));
  if (request.body !== undefined) parts.push(`-d ${quoted(JSON.stringify(request.body))}`);
  return parts.join(' ');
}

/** What the page shows or the dialog does, as a line for a shell. */
export function AsCommand({ request }: { request: ApiRequest }): ReactNode {
  const text = useWords();
  const { access } = useWho();
  const line = curlLine(request, apiRoot.href, access);
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
