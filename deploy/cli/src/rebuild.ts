import type { EventOwner } from '@rigel/contracts';
import { rebuildHistory } from '@rigel/event-store/maintenance';
import { HISTORIES, withDatabases } from './databases.js';
import { type Output, progressOf } from './output.js';

/** Makes the read tables of services again from their events. */
export async function rebuild(
  { services }: { services: EventOwner[] },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  await withDatabases(env, async (open) => {
    for (const service of services) {
      await rebuildHistory(
        await open(service),
        HISTORIES[service],
        progressOf(`${service} is being rebuilt`, output),
      );
      const tables = HISTORIES[service].tables.map(({ name }) => name).join(', ');
      output.out(`${service}: rebuilt from the events: ${tables}`);
    }
  });
  return 0;
}
