import { nodeIdentity } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Addresses that may not be their own canonical form: all with an upper-case letter, a bracket, a zone, or two colons. */
const ODD = sql`ip ~ '[A-Z[%]|:.*:|[.]$'`;

/**
 * Which machine a node is, in canonical form, where its address is not that form already: so the rows of almost all nodes stay
 * as they are, and those that an earlier release writes while it runs beside this one are right. The index on it is not
 * unique: nodes that earlier releases took for several may be one machine.
 */
export const machines: Migration = {
  async up(db) {
    await sql`ALTER TABLE nodes ADD COLUMN machine text`.execute(db);
    await completeMachines(db);
    await sql`CREATE INDEX nodes_machine ON nodes ((coalesce(machine, ip))) WHERE coalesce(machine, ip) <> '-'`.execute(
      db,
    );
  },
};

/** Fills in what is missing: also where an earlier release has written nodes after the column was made. */
export async function completeMachines(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ id: number; ip: string }>`
    SELECT id, ip FROM nodes WHERE machine IS NULL AND ${ODD}`.execute(db);
  const odd = rows.flatMap(({ id, ip }) => {
    const machine = nodeIdentity(ip);
    return machine === ip ? [] : [{ id, ip, machine }];
  });
  if (odd.length === 0) return;
  await sql`
    UPDATE nodes SET machine = odd.machine
    FROM json_to_recordset(${JSON.stringify(odd)}::json) AS odd(id bigint, ip text, machine text)
    WHERE nodes.id = odd.id AND nodes.ip = odd.ip`.execute(db);
}
