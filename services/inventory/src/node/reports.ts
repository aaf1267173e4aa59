import type {
  BatchStarted,
  PublishedEvent,
  RunFailed,
  RunSucceeded,
  RunsHalted,
  TaskStopped,
  TaskTimedOut,
} from '@rigel/contracts';
import type { NewEvent } from '@rigel/event-store';

/** What the node list shows of a node's last task. */
export interface NodeReport {
  /** State of its last run: 1 running, 2 success, 3 failed, 4 halted. */
  state: 1 | 2 | 3 | 4;
  /** How its last finished run ended, 1 well or 3 badly; absent when none has finished meanwhile. */
  status?: 1 | 3;
}

/**
 * What tasks have made of nodes, as the scheduler told it; each node stands in one report at most.
 *
 * It is an event of our own, not just an update of the read table, so that the inventory can be rebuilt from its own
 * history alone, and whoever follows that history sees it. It is one event for all that was learned at once, in a stream
 * of its own: an event in each node's stream would mean reading and writing ten thousand streams when a large batch
 * begins, and make every later decision about a node read the story of all its tasks, which none depends on.
 */
export type NodesReported = NewEvent<'NodesReported', { reports: (NodeReport & { nodes: number[] })[] }>;

/** The only version of the shapes of the scheduler's events that is understood here. */
const SCHEMA = 1;

function reportsOf(event: PublishedEvent): { report: NodeReport; nodes: number[] } | undefined {
  // biome-ignore format: one line for each kind
  switch (event.type) {
    case 'BatchStarted': return { report: { state: 1 }, nodes: (event.data as unknown as BatchStarted).nodes };
    case 'RunSucceeded': return { report: { state: 2, status: 1 }, nodes: [(event.data as unknown as RunSucceeded).node] };
    case 'RunFailed': return { report: { state: 3, status: 3 }, nodes: [(event.data as unknown as RunFailed).node] };
    case 'TaskStopped': return { report: { state: 4 }, nodes: (event.data as unknown as TaskStopped).nodes };
    case 'TaskTimedOut': return { report: { state: 3, status: 3 }, nodes: (event.data as unknown as TaskTimedOut).nodes };
    case 'RunsHalted': return { report: { state: 4 }, nodes: (event.data as unknown as RunsHalted).nodes };
    default: return undefined;
  }
}

/**
 * What events of the scheduler, oldest first, come to: the last state of each node, and the last end of a run among them.
 * Undefined when none is about nodes.
 * @throws when an event has a shape that this version does not know: better to stop there than to misread it.
 */
export function summarize(events: readonly PublishedEvent[]): NodesReported | undefined {
  const latest = new Map<number, NodeReport>();
  for (const event of events) {
    const told = reportsOf(event);
    if (!told) continue;
    if (event.schema !== SCHEMA) {
      throw new Error(
        `event ${event.position} of the scheduler: ${event.type} has the unknown schema ${event.schema}`,
      );
    }
    for (const node of told.nodes) latest.set(node, { ...latest.get(node), ...told.report });
  }
  if (latest.size === 0) return undefined;
  const groups = new Map<string, NodeReport & { nodes: number[] }>();
  for (const [node, report] of latest) {
    const key = `${report.state} ${report.status}`;
    const group = groups.get(key);
    if (group) group.nodes.push(node);
    else groups.set(key, { ...report, nodes: [node] });
  }
  return { type: 'NodesReported', data: { reports: [...groups.values()] } };
}
