import { catalog, noSuch } from '@rigel/contracts';
import { readStampedPage, stampedReader, stampOf } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import { contains } from '@rigel/runtime/database';
import type { Kysely } from 'kysely';
import { assertStepsExist } from '../references.js';
import type { Store } from '../store.js';
import { type CatalogTables, COLUMNS } from '../tables.js';
import { templateDecider } from './decider.js';
import { deleteTemplate, holdTemplates, releaseTemplates, streamOf } from './deletion.js';
import { resolveTemplate } from './resolve.js';

const templates = (db: Kysely<CatalogTables>) =>
  db.selectFrom('templates').select(COLUMNS.templates).select(stampOf('template', 'templates').as('stamp'));

const templateById = stampedReader((db: Kysely<CatalogTables>, { id }: { id: number }) =>
  templates(db).where('id', '=', id),
);

/** Serves the operations on task templates. */
export function serveTemplates(operations: Operations, store: Store, bus: Bus): void {
  const { db } = store;

  operations.serve(catalog.listTemplates, ({ name, ...page }) =>
    readStampedPage(db, templates(db).where(contains('name', name)).orderBy('id', 'desc'), page),
  );

  operations.serve(catalog.getTemplate, async ({ id }) => {
    const template = await templateById(db, { id });
    if (!template) throw noSuch('template', id, `template ${id} does not exist`);
    return template;
  });

  operations.serve(catalog.createTemplate, async ({ name, desc, steps }, context) => {
    return store.create(
      templateDecider,
      'template',
      (id) => ({ do: 'create' as const, id, name, desc, steps }),
      context,
      (trx) => assertStepsExist(trx, steps),
    );
  });

  operations.serve(
    catalog.updateTemplate,
    async ({ id, name, desc, steps, if_version: ifVersion }, context) => {
      await store.record(
        templateDecider,
        { stream: streamOf(id), command: { do: 'change', id, name, desc, steps }, ifVersion },
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
