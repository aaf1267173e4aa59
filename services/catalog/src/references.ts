import { ServiceError, type StepOption, show } from '@rigel/contracts';
import { sql, type Transaction } from 'kysely';
import { isBuiltIn } from './built-in-steps.js';
import type { CatalogTables } from './tables.js';

/*
 * References by name between things of different streams. Each check runs between append and projection, where nobody
 * else can change the catalog (see Store.record): a reference cannot appear while its target goes away.
 */

/**
 * Refuses to delete an action that a remote step names, or to give it another name.
 * @param newName absent: it is deleted.
 */
export async function assertActionFree(
  trx: Transaction<CatalogTables>,
  id: number,
  newName?: string,
): Promise<void> {
  const { rows } = await sql<{ action: string; step: string }>`
    SELECT actions.name AS action, remote_steps.name AS step
    FROM actions JOIN remote_steps ON remote_steps.actions @> ARRAY[actions.name]
    WHERE actions.id = ${id} AND actions.name IS DISTINCT FROM ${newName ?? null}::text
    ORDER BY remote_steps.id LIMIT 1`.execute(trx);
  const [use] = rows;
  if (!use) return;
  throw new ServiceError('in_use', `action ${show(use.action)} is used by remote step ${show(use.step)}`);
}

/**
 * Refuses to delete a remote step that a template names, or to give it another name. A foreign key lies under it as a net.
 * @param newName absent: it is deleted.
 */
export async function assertRemoteStepFree(
  trx: Transaction<CatalogTables>,
  id: number,
  newName?: string,
): Promise<void> {
  const { rows } = await sql<{ step: string; template: string }>`
    SELECT remote_steps.name AS step, templates.name AS template
    FROM remote_steps
      JOIN template_steps ON template_steps.remote_step = remote_steps.name
      JOIN templates ON templates.id = template_steps.template_id
    WHERE remote_steps.id = ${id} AND remote_steps.name IS DISTINCT FROM ${newName ?? null}::text
    ORDER BY templates.id LIMIT 1`.execute(trx);
  const [use] = rows;
  if (!use) return;
  throw new ServiceError('in_use', `remote step ${show(use.step)} is used by template ${show(use.template)}`);
}

/** Refuses steps that are neither built in nor remote steps. The foreign key lies under this one too. */
export async function assertStepsExist(
  trx: Transaction<CatalogTables>,
  steps: readonly Pick<StepOption, 'name'>[],
): Promise<void> {
  const names = steps.map(({ name }) => name.trim()).filter((name) => !isBuiltIn(name));
  if (names.length === 0) return;
  const rows = await trx
    .selectFrom('remote_steps')
    .select('name')
    .where('name', '=', sql<string>`any(${names})`)
    .execute();
  const known = new Set(rows.map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new ServiceError('not_found', `steps: there is no step named ${show(unknown)}`, 'steps');
}
