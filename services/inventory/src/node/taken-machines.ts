import { CompiledQuery, type Kysely } from 'kysely';

/** By the index of machines, which leaves out nodes without one. */
export const TAKEN_MACHINES =
  "SELECT DISTINCT vm_id FROM nodes WHERE vm_id <> '' AND vm_id = ANY ($1::text[])";

/** Which of these machines a node has. */
export async function takenMachines(db: Kysely<unknown>, vmIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.executeQuery<{ vm_id: string }>(CompiledQuery.raw(TAKEN_MACHINES, [vmIds]));
  return rows.map(({ vm_id }) => vm_id);
}
