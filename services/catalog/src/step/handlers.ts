import { type ActionParams, BUILT_IN_STEPS, catalog, type UsableStep } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { contains, offsetOf, readRange } from '@rigel/runtime/database';
import { sql } from 'kysely';
import type { Static } from 'typebox';
import type { Store } from '../store.js';

const DESCRIPTIONS: Record<(typeof BUILT_IN_STEPS)[number]['name'], string> = {
  create_vm: 'create a virtual machine',
  return_vm: 'give the virtual machine back',
  register: 'enter the node into service discovery',
  unregister: 'take the node out of service discovery',
};

const BUILT_INS: UsableStep[] = BUILT_IN_STEPS.map(({ name, type, params }, index) => ({
  id: index + 1,
  name,
  desc: DESCRIPTIONS[name],
  type,
  params: { ...params },
}));

/** The parameters of several actions. If one of them declares an integer, only an integer suits all. */
function unionOf(all: Static<typeof ActionParams>[]): Static<typeof ActionParams> {
  const union = new Map<string, 'string' | 'integer'>();
  for (const [name, type] of all.flatMap((params) => Object.entries(params))) {
    if (union.get(name) !== 'integer') union.set(name, type);
  }
  return Object.fromEntries(union);
}

/** Serves the list of steps that templates can name: the built-in ones, then the remote steps, oldest first. */
export function serveSteps(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listUsableSteps, async ({ name = '', ...page }) => {
    const builtIns = BUILT_INS.filter((step) => step.name.includes(name));
    const start = offsetOf(page);
    const rows = builtIns.slice(start, start + page.page_size);
    const remote = await readRange(
      db.selectFrom('remote_steps').selectAll().where(contains('name', name)).orderBy('id'),
      { offset: Math.max(0, start - builtIns.length), limit: page.page_size - rows.length },
    );
    const names = [...new Set(remote.rows.flatMap(({ actions }) => actions))];
    const actions =
      names.length === 0
        ? []
        : await db
            .selectFrom('actions')
            .select(['name', 'params'])
            .where('name', '=', sql<string>`any(${names})`)
            .execute();
    const paramsOf = new Map(actions.map((action) => [action.name, action.params]));
    for (const step of remote.rows) {
      rows.push({
        id: BUILT_INS.length + step.id,
        name: step.name,
        desc: step.desc,
        type: 'remote',
        params: unionOf(step.actions.map((action) => paramsOf.get(action) ?? {})),
      });
    }
    return { rows, total: builtIns.length + remote.total };
  });
}
