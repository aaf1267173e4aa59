import type { PublishedTaskEvent } from '@rigel/contracts';
import type { EventVersions, NewEvent } from '@rigel/event-store';

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

export const reportEvents: EventVersions<NodesReported> = { NodesReported: [] };

/** Events that change what a node is, not how its last run went: see machines.ts. */
type MachineEvent = Extract<PublishedTaskEvent, { type: 'MachineAssigned' | 'MachineReturned' }>;
type RunEvent = Exclude<PublishedTaskEvent, MachineEvent>;

export function isMachineEvent(event: PublishedTaskEvent): event is MachineEvent {
  return event.type === 'MachineAssigned' || event.type === 'MachineReturned';
}

function reportOf(event: RunEvent): { report: NodeReport; nodes: number[] } {
  // biome-ignore format: one line for each kind
  switch (event.type) {
    case 'BatchStarted': return { report: { state: 1 }, nodes: event.data.nodes };
    case 'RunSucceeded': return { report: { state: 2, status: 1 }, nodes: [event.data.node] };
    case 'RunFailed': return { report: { state: 3, status: 3 }, nodes: [event.data.node] };
    case 'TaskStopped': return { report: { state: 4 }, nodes: event.data.nodes };
    case 'TaskTimedOut': return { report: { state: 3, status: 3 }, nodes: event.data.nodes };
    case 'RunsHalted': return { report: { state: 4 }, nodes: event.data.nodes };
  }
}

/**
 * What events of the scheduler, oldest first, come to: the last state of each node, and the last end of a run among them.
 * Undefined when none is about nodes.
 */
export function summarize(events: readonly PublishedTaskEvent[]): NodesReported | undefined {
  const latest = new Map<number, NodeReport>();
  for (const event of events) {
    if (isMachineEvent(event)) continue;
    const { report, nodes } = reportOf(event);
    for (const node of nodes) latest.set(node, { ...latest.get(node), ...report });
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
