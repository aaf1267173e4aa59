import { createClient, type RigelClient } from '@rigel/api-client';
import { apiRoot } from '../app/place.js';

/** Says that a request comes from the console: no page of another site can make a browser send this header. */
const CONSOLE_HEADER = 'X-Rigel-Console';

const listeners = new Set<() => void>();
let operator = '';

/** Calls the listener when a request was refused as that of a stranger. @returns stops that. */
export function onSignedOut(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The name that the API records as the operator while access is off; empty: none is sent. */
export function sendOperator(name: string): void {
  operator = name;
}

let isSignedOut = false;

/** What the API would say again and again: a page whose session has ended asks nothing until somebody signs in. */
const signedOut = (): Response =>
  Response.json({ code: 401, msg: 'you are signed out', data: {} }, { status: 401 });

/** The API that this console belongs to. */
export const api: RigelClient = createClient(apiRoot.href.replace(/\/$/, ''), {
  fetch: async (request) => {
    const isOfSession = new URL(request.url).pathname.endsWith('/session');
    if (isSignedOut && !isOfSession) return signedOut();
    request.headers.set(CONSOLE_HEADER, '1');
    if (operator !== '') request.headers.set('Authorization', operator);
    const answer = await fetch(request);
    if (answer.ok && isOfSession) isSignedOut = false;
    // A token that is refused at signing in says nothing about the session.
    else if (answer.status === 401 && !(isOfSession && request.method === 'POST')) {
      isSignedOut = true;
      if (!isOfSession) for (const listener of listeners) listener();
    }
    return answer;
  },
});
