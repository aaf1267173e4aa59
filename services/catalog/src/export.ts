import {
  checkExportSize,
  type fleetExport,
  MAX_EXPORTED,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { readAllStamped, stampOf } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import { type CatalogTables, COLUMNS } from './tables.js';

/** All actions, implementations, steps and templates in one snapshot, or those of a set of files. */
export function readExport(
  db: Kysely<CatalogTables>,
  { managed_by: set }: RpcRequest<typeof fleetExport.catalog>,
): Promise<RpcResponse<typeof fleetExport.catalog>> {
  const most = MAX_EXPORTED + 1;
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      let actions = trx
        .selectFrom('actions')
        .select(COLUMNS.actions)
        .select(stampOf('action', 'actions').as('stamp'));
      let impls = trx
        .selectFrom('actimpls')
        .select(COLUMNS.actimpls)
        .select(stampOf('actimpl', 'actimpls').as('stamp'));
      let steps = trx
        .selectFrom('remote_steps')
        .select(COLUMNS.remote_steps)
        .select(stampOf('remote_step', 'remote_steps').as('stamp'));
      let templates = trx
        .selectFrom('templates')
        .select(COLUMNS.templates)
        .select(stampOf('template', 'templates').as('stamp'));
      if (set !== undefined) {
        actions = actions.where('managed_by', '=', set);
        impls = impls.where('action_id', 'in', (of) =>
          of.selectFrom('actions').select('actions.id').where('managed_by', '=', set),
        );
        steps = steps.where('managed_by', '=', set);
        templates = templates.where('managed_by', '=', set);
      }
      const read = {
        actions: await readAllStamped(actions.orderBy('id').limit(most)),
        implementations: await readAllStamped(impls.orderBy('id').limit(most)),
        steps: await readAllStamped(steps.orderBy('id').limit(most)),
        templates: await readAllStamped(templates.orderBy('id').limit(most)),
      };
      const count = Object.values(read).reduce((sum, rows) => sum + rows.length, 0);
      checkExportSize('things', count, MAX_EXPORTED);
      return read;
    });
}
