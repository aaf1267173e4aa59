import type { Projection } from '../tables.js';
import type { RemoteStepEvent } from './decider.js';

export const remoteStepProjection: Projection<RemoteStepEvent> = {
  RemoteStepCreated: (trx, { id, name, desc, actions, managed_by = '' }) =>
    trx.insertInto('remote_steps').values({ id, name, desc, actions, managed_by }).execute(),

  RemoteStepChanged: (trx, { id, ...changes }) =>
    trx.updateTable('remote_steps').set(changes).where('id', '=', id).execute(),

  RemoteStepDeleted: (trx, { id }) => trx.deleteFrom('remote_steps').where('id', '=', id).execute(),
};
