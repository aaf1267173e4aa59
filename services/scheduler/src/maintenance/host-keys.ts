import { CompiledQuery, type Kysely, sql } from 'kysely';

/** A host key that was learned, and where in the history. */
export interface Pin {
  node_id: number;
  host_key: string;
  position: number;
}

/*
 * Of all keys learned of a node the first one holds, whichever task learned it. Tasks are folded one after the other and
 * not in the order of the history, so the first is found in a table of its own.
 */

/** Makes the empty table. */
export async function createPins(db: Kysely<unknown>, { keep }: { keep: boolean }): Promise<void> {
  await sql`
    CREATE TEMPORARY TABLE pins (node_id bigint PRIMARY KEY, host_key text NOT NULL, position bigint NOT NULL)
    ${keep ? sql`` : sql`ON COMMIT DROP`}`.execute(db);
}

export async function addPins(db: Kysely<unknown>, pins: readonly Pin[]): Promise<void> {
  const first = new Map<number, Pin>();
  for (const pin of pins) {
    const known = first.get(pin.node_id);
    if (!known || pin.position < known.position) first.set(pin.node_id, pin);
  }
  if (first.size === 0) return;
  await db.executeQuery(
    CompiledQuery.raw(
      `INSERT INTO pins SELECT p.* FROM json_to_recordset($1::json)
         AS p(node_id bigint, host_key text, position bigint)
       ON CONFLICT (node_id) DO UPDATE SET host_key = excluded.host_key, position = excluded.position
       WHERE excluded.position < pins.position`,
      [JSON.stringify([...first.values()])],
    ),
  );
}

/** Writes what was found into the table of host keys. */
export async function insertHostKeys(db: Kysely<unknown>): Promise<void> {
  await sql`INSERT INTO host_keys (node_id, host_key) SELECT node_id, host_key FROM pins`.execute(db);
}

export async function dropPins(db: Kysely<unknown>): Promise<void> {
  await sql`DROP TABLE IF EXISTS pg_temp.pins`.execute(db);
}
