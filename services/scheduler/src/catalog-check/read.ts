import { isSecretParameter, type ScheduleType } from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import type { GivenSecret } from './refusals.js';

/** How many of the last tasks are read: the statement takes a second at most. */
const LAST_TASKS = 10_000;

/**
 * The secrets that calls named before templates had a say in it. Of the values that an operator gave a parameter the
 * last one counts. A task does not say whether its template had the value stored, so the caller compares with the
 * template as it is now.
 */
export async function readGivenSecrets(db: Kysely<unknown>): Promise<GivenSecret[]> {
  const { rows } = await sql<Omit<GivenSecret, 'secret'> & { value: unknown }>`
    SELECT given.template, given.step, given.param, given.value, given.task, given.operator
    FROM (
      SELECT DISTINCT ON (template_id, step->>'name', param.key, operator)
        template_id AS template, step->>'name' AS step, param.key AS param, param.value, last.id AS task, operator
      FROM (
        SELECT id, template_id, operator, options FROM tasks WHERE flow_type = 'manual'
        ORDER BY id DESC LIMIT ${LAST_TASKS}
      ) AS last, jsonb_array_elements(last.options) AS step, jsonb_each(step->'param_values') AS param
      ORDER BY template_id, step->>'name', param.key, operator, last.id DESC
    ) AS given
    JOIN events ON events.stream = 'task-' || given.task AND events.version = 1
    WHERE jsonb_typeof(given.value) = 'object' AND events.data->>'secretsBy' IS NULL
    ORDER BY given.template, given.task`.execute(db);
  return rows.flatMap(({ value, ...row }) =>
    isSecretParameter(value) ? [{ ...row, secret: value.secret }] : [],
  );
}

/** A scheduled task that makes tasks of its pool's templates. */
export interface ScheduleUse {
  id: number;
  pool: number;
  type: ScheduleType;
}

/** What a scheduled task of each type runs, as `tasks` of its pool names it. */
const RUNS: Readonly<Record<ScheduleType, readonly string[]>> = {
  expand: ['expand', 'shrink'],
  upload: ['deploy'],
};

/** Those of the scheduled tasks that run what pools do by a template. @param pools each with what it does by the template. */
export function schedulesUsing(
  schedules: readonly ScheduleUse[],
  pools: readonly { id: number; kinds: readonly string[] }[],
): ScheduleUse[] {
  return schedules.filter(({ pool, type }) =>
    pools.some(({ id, kinds }) => id === pool && kinds.some((kind) => RUNS[type].includes(kind))),
  );
}

export async function readScheduleUses(db: Kysely<unknown>): Promise<ScheduleUse[]> {
  const { rows } =
    await sql<ScheduleUse>`SELECT id, pool_id AS pool, type FROM schedules ORDER BY id`.execute(db);
  return rows;
}
