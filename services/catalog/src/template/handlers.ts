import { catalog, noSuch } from '@rigel/contracts';
import { readStamped, readStampedPage, stampOf } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import { assertStepsExist } from '../references.js';
import type { Store } from '../store.js';
import { COLUMNS } from '../tables.js';
import { templateDecider } from './decider.js';
import { deleteTemplate, holdTemplates, releaseTemplates, streamOf } from './deletion.js';
import { resolveTemplate } from './resolve.js';

/** Serves the operations on task templates. */
export function serveTemplates(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  const templates = () =>
    db.selectFrom('templates').select(COLUMNS.templates).select(stampOf('template', 'templates').as('stamp'));

  operations.serve(catalog.listTemplates, ({ name, ...page }) =>
    readStampedPage(db, templates().where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getTemplate, async ({ id }) => {
    const template = await readStamped(db, templates().where('id', '=', id));
    if (!template) throw noSuch('template', id, `template ${id} does not exist`);
    return template;
  });

  operations.serve(catalog.createTemplate, async ({ name, desc, steps, managed_by }, context) => {
    return store.create(
      templateDecider,
      'template',
      (id) => ({ do: 'create' as const, id, name, desc, steps, managed_by }),
      context,
      (trx) => assertStepsExist(trx, steps),
    );
  });

  operations.serve(
    catalog.updateTemplate,
    async ({ id, name, desc, steps, managed_by, if_version: ifVersion }, context) => {
      await store.record(
        templateDecider,
        { stream: streamOf(id), command: { do: 'change', id, name, desc, steps, managed_by }, ifVersion },
        context,
        (trx) => assertStepsExist(trx, steps ?? []),
      );
      return {};
    },
  );

  operations.serve(catalog.deleteTemplate, async (request, context) => {
    await deleteTemplate(store, bus, request, context);
    return {};
  });

  operations.serve(catalog.holdTemplates, async (request) => ({ deleted: await holdTemplates(db, request) }));

  operations.serve(catalog.releaseTemplates, async ({ hold }) => {
    await releaseTemplates(db, hold);
    return {};
  });

  operations.serve(catalog.resolveTemplate, ({ id }) => resolveTemplate(db, id));
}
