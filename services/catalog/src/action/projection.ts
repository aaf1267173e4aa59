import type { Projection } from '../tables.js';
import type { ActionEvent } from './decider.js';

export const actionProjection: Projection<ActionEvent> = {
  ActionCreated: (trx, { id, name, desc, params, managed_by = '' }) =>
    trx
      .insertInto('actions')
      .values({ id, name, desc, params: JSON.stringify(params), managed_by })
      .execute(),

  ActionChanged: (trx, { id, params, ...changes }) =>
    trx
      .updateTable('actions')
      .set({ ...changes, ...(params && { params: JSON.stringify(params) }) })
      .where('id', '=', id)
      .execute(),

  ActionDeleted: (trx, { id }) => trx.deleteFrom('actions').where('id', '=', id).execute(),
};
