import type { StepOption } from '@rigel/contracts';
import type { Transaction } from 'kysely';
import { isBuiltIn } from '../built-in-steps.js';
import type { CatalogTables, Projection } from '../tables.js';
import type { TemplateEvent } from './decider.js';

async function linkSteps(trx: Transaction<CatalogTables>, id: number, steps: StepOption[]): Promise<void> {
  await trx.deleteFrom('template_steps').where('template_id', '=', id).execute();
  const names = new Set(steps.map(({ name }) => name).filter((name) => !isBuiltIn(name)));
  for (const remote_step of names) {
    await trx.insertInto('template_steps').values({ template_id: id, remote_step }).execute();
  }
}

export const templateProjection: Projection<TemplateEvent> = {
  async TemplateCreated(trx, { id, name, desc, steps, managed_by = '' }) {
    await trx
      .insertInto('templates')
      .values({ id, name, desc, steps: JSON.stringify(steps), managed_by })
      .execute();
    await linkSteps(trx, id, steps);
  },

  async TemplateChanged(trx, { id, steps, ...changes }) {
    await trx
      .updateTable('templates')
      .set({ ...changes, ...(steps && { steps: JSON.stringify(steps) }) })
      .where('id', '=', id)
      .execute();
    if (steps) await linkSteps(trx, id, steps);
  },

  async TemplateDeleted(trx, { id }) {
    await linkSteps(trx, id, []);
    await trx.deleteFrom('templates').where('id', '=', id).execute();
  },
};
