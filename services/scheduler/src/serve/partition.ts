import { execution, tasks } from '@rigel/contracts';
import { servePartitionWhy } from '../why/serve.js';
import { control, controlTask } from './control.js';
import { claim, handBack, output, place, plan, report } from './execution.js';
import type { Parts } from './parts.js';

/**
 * Serves the operations that only the owner of a partition answers.
 * @returns a function that takes no more of them; it resolves when all that arrived before has been answered or is under way.
 */
export function servePartition(partition: number, parts: Parts): () => Promise<void> {
  const { operations, engine, outcomes, why } = parts;
  const options = { partition, concurrency: 10_000 };
  const stops = [
    operations.serve(control, (request, context) => controlTask(request, context, parts), options),
    operations.serve(execution.claim, (request) => claim(request, parts), options),
    operations.serve(execution.plan, (request) => plan(request, parts), options),
    operations.serve(execution.report, (request, context) => report(request, context, parts), options),
    operations.serve(execution.place, (request, context) => place(request, context, parts), options),
    operations.serve(execution.output, (request, context) => output(request, context, parts), options),
    operations.serve(execution.handBack, (request, context) => handBack(request, context, parts), options),
  ];
  if (outcomes) {
    const awaitEnd = async ({ id, wait_ms }: { id: number; wait_ms: number }) => {
      await engine.untilGone(id, wait_ms);
      return outcomes.outcome(id);
    };
    stops.push(operations.serve(tasks.awaitEnd, awaitEnd, options));
  }
  if (why) stops.push(servePartitionWhy(partition, { ...parts, store: why }));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
