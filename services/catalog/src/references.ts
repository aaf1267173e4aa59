import { describeUsers, ServiceError, type StepOption, show } from '@rigel/contracts';
import { sql, type Transaction } from 'kysely';
import { isBuiltIn } from './built-in-steps.js';
import type { CatalogTables } from './tables.js';

/*
 * References by name between things of different streams. Each check runs between append and projection, when no other
 * transaction can change the catalog (see Store.record). So no reference can appear while its target is being deleted.
 */

/** The first few things that use another one, by name, and the number of all. */
interface Use {
  used: string;
  id: number;
  name: string;
  total: number;
}

function refuseUsed(kind: string, users: string, rows: readonly Use[]): void {
  const [use] = rows;
  if (!use) return;
  const by = describeUsers(users, rows, use.total);
  throw new ServiceError('in_use', `${kind} ${show(use.used)} is used by ${by}`, undefined, {
    value: use.used,
    data: { kind: kind.replace(' ', '_'), by },
  });
}

/**
 * Refuses to delete or rename an action that a remote step names.
 * @param newName absent: the action is being deleted.
 */
export async function assertActionFree(
  trx: Transaction<CatalogTables>,
  id: number,
  newName?: string,
): Promise<void> {
  const { rows } = await sql<Use>`
    SELECT actions.name AS used, remote_steps.id, remote_steps.name, count(*) OVER ()::int AS total
    FROM actions JOIN remote_steps ON remote_steps.actions @> ARRAY[actions.name]
    WHERE actions.id = ${id} AND actions.name IS DISTINCT FROM ${newName ?? null}::text
    ORDER BY remote_steps.id LIMIT 3`.execute(trx);
  refuseUsed('action', 'remote step', rows);
}

/**
 * Refuses to delete or rename a remote step that a template names. A foreign key ensures the same.
 * @param newName absent: the step is being deleted.
 */
export async function assertRemoteStepFree(
  trx: Transaction<CatalogTables>,
  id: number,
  newName?: string,
): Promise<void> {
  const { rows } = await sql<Use>`
    SELECT remote_steps.name AS used, templates.id, templates.name, count(*) OVER ()::int AS total
    FROM remote_steps
      JOIN template_steps ON template_steps.remote_step = remote_steps.name
      JOIN templates ON templates.id = template_steps.template_id
    WHERE remote_steps.id = ${id} AND remote_steps.name IS DISTINCT FROM ${newName ?? null}::text
    ORDER BY templates.id LIMIT 3`.execute(trx);
  refuseUsed('remote step', 'template', rows);
}

/** Types of implementations that tasks run. */
const RUN = ['ansible', 'noop'];

/**
 * Refuses to delete or move the only usable implementation of an action that a remote step names: every task with that
 * step would be refused from then on. The read table still shows the implementation before the change.
 * @param change absent: the implementation is being deleted.
 */
export async function assertImplFree(
  trx: Transaction<CatalogTables>,
  id: number,
  change?: { action_id?: number | undefined; type?: string | undefined },
): Promise<void> {
  const { rows } = await sql<Use & { type: string; action_id: number }>`
    SELECT actions.name AS used, impl.type, impl.action_id, remote_steps.id, remote_steps.name,
      count(*) OVER ()::int AS total
    FROM actimpls AS impl
      JOIN actions ON actions.id = impl.action_id
      JOIN remote_steps ON remote_steps.actions @> ARRAY[actions.name]
    WHERE impl.id = ${id} AND impl.type = ANY(${RUN}::text[]) AND NOT EXISTS (
      SELECT FROM actimpls AS other
      WHERE other.action_id = impl.action_id AND other.id <> impl.id AND other.type = ANY(${RUN}::text[]))
    ORDER BY remote_steps.id LIMIT 3`.execute(trx);
  const [use] = rows;
  if (!use) return;
  const { action_id = use.action_id, type = use.type } = change ?? { type: '' };
  if (action_id === use.action_id && RUN.includes(type.trim())) return;
  const by = describeUsers('remote step', rows, use.total);
  throw new ServiceError(
    'in_use',
    `implementation ${id} is all that action ${show(use.used)} runs, which is used by ${by}: change its template instead`,
    undefined,
    { value: id, data: { kind: 'implementation', by } },
  );
}

/** Refuses steps that are neither built in nor remote steps. The foreign key ensures the same. */
export async function assertStepsExist(
  trx: Transaction<CatalogTables>,
  steps: readonly Pick<StepOption, 'name'>[],
): Promise<void> {
  const given = steps.map(({ name }) => name.trim());
  const names = given.filter((name) => !isBuiltIn(name));
  if (names.length === 0) return;
  const rows = await trx
    .selectFrom('remote_steps')
    .select('name')
    .where('name', '=', sql<string>`any(${names})`)
    .execute();
  const known = new Set(rows.map(({ name }) => name));
  const unknown = names.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new ServiceError(
    'no_such_step',
    `steps: there is no step named ${show(unknown)}`,
    `steps.${given.indexOf(unknown)}.name`,
    { value: unknown },
  );
}
