import { FOUND_OF_A_KIND, type Found } from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';

/** A name is looked for in so many of the newest tasks: older ones are found by their id, or in the list of tasks. */
const NEWEST = 5_000;
const WORDS = ['initial', 'running', 'success', 'failed', 'stopped'] as const;

const SEARCH = prepared(`
  SELECT id, name, pool_name, state, (id = $2::bigint OR name = $1) IS TRUE AS exact FROM (
    (SELECT id, name, pool_name, state FROM tasks WHERE id = $2::bigint)
    UNION
    (SELECT id, name, pool_name, state FROM (SELECT id, name, pool_name, state FROM tasks ORDER BY id DESC LIMIT ${NEWEST}) AS newest
      WHERE strpos(lower(name), lower($1)) > 0 OR strpos(lower(pool_name), lower($1)) > 0
      ORDER BY id DESC LIMIT ${FOUND_OF_A_KIND})
  ) AS found ORDER BY exact DESC, id DESC LIMIT ${FOUND_OF_A_KIND}`);

/** Tasks whose id or name is the text, then those whose name or pool has it in it, newest first. */
export async function searchTasks(db: Kysely<unknown>, q: string): Promise<(Found & { kind: string })[]> {
  const text = q.trim();
  if (text === '') return [];
  const id = /^#?(\d{1,15})$/.exec(text)?.[1] ?? null;
  const { rows } = await db.executeQuery<Found & { pool_name: string; state: 0 | 1 | 2 | 3 | 4 }>(
    CompiledQuery.raw(SEARCH, [text, id]),
  );
  return rows.map(({ id, name, pool_name, state, exact }) => ({
    kind: 'task',
    id,
    name,
    detail: `${pool_name} · ${WORDS[state]}`,
    exact,
  }));
}
