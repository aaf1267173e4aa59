import { readTemplates } from '@rigel/catalog/maintenance';
import { nameSome } from '@rigel/contracts';
import { allTemplateUses } from '@rigel/inventory/maintenance';
import {
  describeGivenSecret,
  readGivenSecrets,
  readScheduleUses,
  refusalsOf,
  schedulesUsing,
  secretsToAllow,
} from '@rigel/scheduler/maintenance';
import { withDatabases } from './databases.js';
import type { Output } from './output.js';

/**
 * Finds the templates that this release refuses: because of their commands and values, or because operators' calls name secrets
 * that the template does not allow. Changes nothing. With `json` each refused template is a line `{"template", "reasons", "secrets", "pools", "schedules"}`, and the
 * end a line `{"templates", "refused"}`.
 * @returns the exit status: 0 = none is refused, 1 = some are.
 */
export async function checkCatalog(
  { json }: { json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  let templates = 0;
  let refused = 0;
  await withDatabases(env, async (open) => {
    const catalog = await open('catalog');
    const scheduler = await open('scheduler');
    const uses = await allTemplateUses(await open('inventory'));
    const given = await readGivenSecrets(scheduler);
    const scheduled = await readScheduleUses(scheduler);
    for await (const template of readTemplates(catalog)) {
      templates++;
      const { id, name } = template;
      const reasons = 'problem' in template ? [template.problem] : refusalsOf(template.steps);
      const ofThis = given.filter((one) => one.template === id);
      const secrets = 'problem' in template ? [] : secretsToAllow(template.steps, ofThis);
      if (reasons.length + secrets.length === 0) continue;
      refused++;
      const pools = uses.flatMap((use) => (use.template === id ? [use.pool] : []));
      const schedules = schedulesUsing(scheduled, pools);
      if (json) {
        const named = secrets.map(({ template: _, ...secret }) => secret);
        output.out(JSON.stringify({ template: { id, name }, reasons, secrets: named, pools, schedules }));
        continue;
      }
      output.out(`template ${name} (id ${id}), used by ${describeUses(pools, schedules)}:`);
      for (const reason of [...reasons, ...secrets.map(describeGivenSecret)]) output.out(`  ${reason}`);
    }
  });
  output.out(
    json
      ? JSON.stringify({ templates, refused })
      : `${templates} templates, ${refused === 0 ? 'none is refused' : `${refused} refused`}`,
  );
  return refused === 0 ? 0 : 1;
}

function describeUses(
  pools: readonly { id: number; name: string; kinds: string[] }[],
  schedules: readonly { id: number; type: string; pool: number }[],
): string {
  if (pools.length === 0) return 'no pool';
  const named = pools.map(({ id, name, kinds }) => ({ id, name: `${name} to ${kinds.join(', ')}` }));
  const ofPools = `pools ${nameSome(named, named.length)}`;
  if (schedules.length === 0) return ofPools;
  return `${ofPools} and by scheduled tasks ${schedules.map(({ id, type, pool }) => `${id} (${type} of pool ${pool})`).join(', ')}`;
}
