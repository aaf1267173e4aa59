import {
  evolveByKind,
  projectAll,
  rebuildByProjection,
  type ServiceHistory,
} from '@rigel/event-store/maintenance';
import type { Kysely } from 'kysely';
import { actionImplDecider } from './actimpl/decider.js';
import { actionDecider } from './action/decider.js';
import { eventTypes } from './event-types.js';
import { migrations } from './migrations/index.js';
import { project } from './projection.js';
import { remoteStepDecider } from './remote-step/decider.js';
import type { CatalogTables } from './tables.js';
import { templateDecider } from './template/decider.js';
import { type CheckedTemplate, resolveAll } from './template/resolve.js';

export type { CheckedTemplate };

const table = (name: string, prefix: string) => ({ name, key: ['id'], stream: { prefix, column: 'id' } });

/**
 * The catalog's history, for programs that verify and rebuild it. A rebuild keeps the sequences, from which ids come.
 */
export const catalogHistory: ServiceHistory = {
  service: 'catalog',
  types: eventTypes,
  migrations,
  tables: [
    table('actions', 'action-'),
    table('actimpls', 'actimpl-'),
    table('remote_steps', 'remote_step-'),
    table('templates', 'template-'),
    {
      name: 'template_steps',
      key: ['template_id', 'remote_step'],
      stream: { prefix: 'template-', column: 'template_id' },
    },
  ],
  async replay(trx, { progress }) {
    await projectAll(trx, catalogHistory, project, progress);
    return [];
  },
  rebuild: (db, progress) => rebuildByProjection(db, catalogHistory, project, progress),
  evolve: evolveByKind({
    action: actionDecider,
    actimpl: actionImplDecider,
    remote_step: remoteStepDecider,
    template: templateDecider,
  }),
};

/** All templates with what their steps run, for programs that check whether they can still be run. */
export const readTemplates = (db: Kysely<unknown>): AsyncGenerator<CheckedTemplate> =>
  resolveAll(db as Kysely<CatalogTables>);
