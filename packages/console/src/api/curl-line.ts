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
