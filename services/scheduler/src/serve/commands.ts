import { HEARTBEAT_SUBJECT, Heartbeat, type RpcRequest, speaksFor, tasks } from '@rigel/contracts';
import { deployPool, expandPool, type OnBehalf, shrinkPool } from '../operations/change-pool.js';
import { createTasks } from '../operations/create-tasks.js';
import { checkWords, type RunControl, releaseNode, reserveForRemoval } from '../operations/release.js';
import { runAgain } from '../operations/run-again.js';
import { runScript } from '../operations/run-script.js';
import { serveWhy } from '../why/serve.js';
import { followAnnouncements } from './announcements.js';
import { callOwner } from './control.js';
import type { Parts } from './parts.js';
import { servePlans } from './plans.js';

/** Serves the commands that any replica takes; those for a task it passes on to the owner of the task's partition. */
export function serveCommands(parts: Parts): void {
  const { bus, operations, store, clock } = parts;
  operations.serve(tasks.create, (request, context) => createTasks(request, context, parts));
  operations.serve(tasks.run, (request, context) => runScript(request, context, parts));
  operations.serve(tasks.again, (request, context) => runAgain(request, context, parts));
  servePoolChanges(parts);

  operations.serve(tasks.start, async (request, context) => {
    await callOwner(bus, { ...request, command: isPlain(request) ? 'start' : 'startAs' }, context);
    return {};
  });
  operations.serve(tasks.pause, async (request, context) => {
    await callOwner(bus, { ...request, ...why(request), command: 'pause' }, context);
    return {};
  });
  operations.serve(tasks.stop, async (request, context) => {
    await callOwner(bus, { ...request, ...why(request), command: 'stop' }, context);
    return {};
  });

  const control: RunControl = (id, command, context) => callOwner(bus, { id, ...command }, context);
  operations.serve(tasks.releaseNode, async (request, context) => {
    await releaseNode(request, context, { store, control });
    return {};
  });
  operations.serve(tasks.reserveNodes, async ({ node_ids, ttl_ms }, context) => {
    await reserveForRemoval(node_ids, ttl_ms, context, { store, control, clock });
    return {};
  });

  followAnnouncements(parts);
  followHeartbeats(parts);
  if (parts.why) serveWhy({ ...parts, store: parts.why });
  if (parts.planning) servePlans(parts);
}

const why = ({ reason = '' }: RpcRequest<typeof tasks.pause>) => ({ reason: checkWords(reason) });

/** A start as every release knows it. */
function isPlain({ runs, max_fail_num, max_fail_ratio, if_plan }: RpcRequest<typeof tasks.start>): boolean {
  return [runs, max_fail_num, max_fail_ratio, if_plan].every((given) => given === undefined);
}

function servePoolChanges(parts: Parts): void {
  const { operations } = parts;
  const byHand = (operator: string): OnBehalf => ({ operator, flowType: 'manual' });
  operations.serve(tasks.expand, ({ opr_user, ...request }, context) =>
    expandPool(request, byHand(opr_user), context, parts),
  );
  operations.serve(tasks.shrink, ({ opr_user, ...request }, context) =>
    shrinkPool(request, byHand(opr_user), context, parts),
  );
  operations.serve(tasks.deploy, ({ opr_user, ...request }, context) =>
    deployPool(request, byHand(opr_user), context, parts),
  );
}

/** Every replica hears the heartbeats of all executors, and renews the leases of its own tasks. */
function followHeartbeats({ bus, engine, executors, clock }: Parts): void {
  bus.subscribe(HEARTBEAT_SUBJECT, Heartbeat, (heartbeat) => {
    if (!speaksFor(heartbeat.executor, heartbeat.key)) {
      engine.forgeries.refused(heartbeat.executor, 'a heartbeat');
      return;
    }
    executors.heard(heartbeat, clock.now());
    engine.heartbeat(heartbeat.executor, heartbeat.leases, heartbeat.tasks);
  });
}
