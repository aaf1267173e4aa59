import type { Projection } from '../tables.js';
import type { ActionImplEvent } from './decider.js';

export const actionImplProjection: Projection<ActionImplEvent> = {
  ActionImplCreated: (trx, { id, action_id, type, template }) =>
    trx
      .insertInto('actimpls')
      .values({ id, action_id, type, template: JSON.stringify(template) })
      .execute(),

  ActionImplChanged: (trx, { id, template, ...changes }) =>
    trx
      .updateTable('actimpls')
      .set({ ...changes, ...(template && { template: JSON.stringify(template) }) })
      .where('id', '=', id)
      .execute(),

  ActionImplDeleted: (trx, { id }) => trx.deleteFrom('actimpls').where('id', '=', id).execute(),
};
