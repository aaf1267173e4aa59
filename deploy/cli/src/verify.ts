import type { EventOwner } from '@rigel/contracts';
import { readHead, readIdentity } from '@rigel/event-store';
import { describeDifference, verifyHistory } from '@rigel/event-store/maintenance';
import { HISTORIES, withDatabases } from './databases.js';
import { type Output, progressOf } from './output.js';

/**
 * Verifies the histories of services. With `json` each difference is a line `{"service", "difference"}`, and the end of
 * each service a line `{"service", "events", "differences"}`.
 * @returns the exit status: 0 = no difference, 1 = differences.
 */
export async function verify(
  { services, json }: { services: EventOwner[]; json: boolean },
  env: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  let total = 0;
  await withDatabases(env, async (open) => {
    for (const service of services) {
      const db = await open(service);
      const { events, differences } = await verifyHistory(db, HISTORIES[service], {
        headOf: async (owner) => readHead(await open(owner)),
        eventAt: async (owner, position) => readIdentity(await open(owner), position),
        onDifference: (difference) =>
          output.out(
            json ? JSON.stringify({ service, difference }) : `${service}: ${describeDifference(difference)}`,
          ),
        progress: progressOf(`${service} is being verified`, output),
      });
      total += differences;
      const found =
        differences === 0 ? 'no difference' : `${differences} difference${differences === 1 ? '' : 's'}`;
      output.out(
        json ? JSON.stringify({ service, events, differences }) : `${service}: ${events} events, ${found}`,
      );
    }
  });
  return total === 0 ? 0 : 1;
}
