import { type Kysely, sql } from 'kysely';
import { readHead } from '../log/event-store.js';
import type { Difference } from './difference.js';

interface Gap {
  /** The first that is missing, and the last. */
  first: number;
  last: number;
}

const range = ({ first, last }: Gap): string => (first === last ? `${first}` : `${first} to ${last}`);

/** Checks that the events are whole: positions 1 to the head, and in each stream versions 1, 2, 3 … without gaps. */
export async function checkEvents(
  db: Kysely<unknown>,
): Promise<{ differences: Difference[]; broken: Set<string> }> {
  const differences: Difference[] = [];
  const history = (message: string, stream?: string) =>
    differences.push({ kind: 'history', message, ...(stream === undefined ? {} : { stream }) });

  const positions = await sql<Gap>`
    SELECT previous + 1 AS first, position - 1 AS last
    FROM (SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS previous FROM events) AS e
    WHERE position <> previous + 1 ORDER BY position`.execute(db);
  const head = await readHead(db);
  const { rows: ends } = await sql<{ last: number }>`
    SELECT coalesce(max(position), 0) AS last FROM events`.execute(db);
  const last = ends[0]?.last ?? 0;
  const gaps = last < head ? [...positions.rows, { first: last + 1, last: head }] : positions.rows;
  for (const gap of gaps) {
    history(
      `events: position${gap.first === gap.last ? '' : 's'} ${range(gap)} missing, the head is ${head}`,
    );
  }
  if (last > head) history(`event_head: the head is ${head}, but there are events up to position ${last}`);

  const streams = await sql<Gap & { stream: string }>`
    SELECT stream, previous + 1 AS first, version - 1 AS last
    FROM (SELECT stream, version, lag(version, 1, 0) OVER (PARTITION BY stream ORDER BY version) AS previous
      FROM events) AS e
    WHERE version <> previous + 1 ORDER BY stream, version`.execute(db);
  for (const { stream, ...gap } of streams.rows) {
    const plural = gap.first === gap.last ? '' : 's';
    history(`events: ${stream} lacks version${plural} ${range(gap)}, so its rows are not compared`, stream);
  }
  return { differences, broken: new Set(streams.rows.map(({ stream }) => stream)) };
}
