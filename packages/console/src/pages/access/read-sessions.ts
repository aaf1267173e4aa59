import { type Session, unwrap } from '@rigel/api-client';
import { api } from '../../api/api.js';

/** One page of the list of sessions; `cursor` is empty for the first. */
export function readSessions(query: { ended: boolean; cursor: string; limit: number }) {
  const { cursor, ...rest } = query;
  return unwrap(
    api.GET('/session/list', { params: { query: { ...rest, ...(cursor === '' ? {} : { cursor }) } } }),
  );
}

/** All sessions that are open. There are few: the API allows a hundred of a token. */
export async function readOpenSessions(): Promise<Session[]> {
  const sessions: Session[] = [];
  let cursor = '';
  do {
    const { rows, next } = await readSessions({ ended: false, cursor, limit: 1_000 });
    sessions.push(...rows);
    cursor = next ?? '';
  } while (cursor !== '');
  return sessions;
}
