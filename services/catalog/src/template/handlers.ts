import { catalog, ServiceError } from '@rigel/contracts';
import type { Operations } from '@rigel/runtime';
import { contains, readPage } from '@rigel/runtime';
import { assertStepsExist } from '../references.js';
import type { Store } from '../store.js';
import { templateDecider } from './decider.js';
import { resolveTemplate } from './resolve.js';

const stream = (id: number): string => `template-${id}`;

/** Serves the operations on task templates. */
export function serveTemplates(operations: Operations, store: Store): void {
  const { db } = store;

  operations.serve(catalog.listTemplates, ({ name, ...page }) =>
    readPage(
      db.selectFrom('templates').selectAll().where(contains('name', name)).orderBy('id', 'desc'),
      page,
    ),
  );

  operations.serve(catalog.getTemplate, async ({ id }) => {
    const template = await db.selectFrom('templates').selectAll().where('id', '=', id).executeTakeFirst();
    if (!template) throw new ServiceError('not_found', `template ${id} does not exist`);
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

  operations.serve(catalog.updateTemplate, async ({ id, name, desc, steps }, context) => {
    await store.record(templateDecider, stream(id), { do: 'change', id, name, desc, steps }, context, (trx) =>
      assertStepsExist(trx, steps ?? []),
    );
    return {};
  });

  operations.serve(catalog.deleteTemplate, async ({ id }, context) => {
    await store.record(templateDecider, stream(id), { do: 'delete', id }, context);
    return {};
  });

  operations.serve(catalog.resolveTemplate, ({ id }) => resolveTemplate(db, id));
}
