import type { PublishedTaskEvent } from '@rigel/contracts';
import type { EventVersions, NewEvent } from '@rigel/event-store';

/** The part of the node list that shows the node's last task. */
export interface NodeReport {
  /** State of its last run: 1 running, 2 success, 3 failed, 4 halted. */
  state: 1 | 2 | 3 | 4;
  /** Outcome of its last finished run: 1 succeeded, 3 failed; absent: none has finished since the last report. */
  status?: 1 | 3;
  /** The task; absent in reports of earlier releases. */
  task?: number;
  /** Why the last finished run failed; absent: it did not. */
  reason?: string;
  /** Image tag that the last finished run put on the node; absent: none. */
  tag?: string;
}

/** Longest reason that a row of a node keeps, in characters. The log of the task has it whole. */
const MAX_REASON = 255;

/**
 * Results of tasks for nodes, from the scheduler's events. A report has each node once.
 *
 * The inventory records them as an event of its own, so that it can be rebuilt from its own history alone. One event
 * has all results of one batch of the scheduler's events, in a separate stream. With an event in each node's stream the
 * inventory would read and write ten thousand streams when a large batch begins, and every later decision about a node
 * would read the results of all its tasks.
 */
export type NodesReported = NewEvent<'NodesReported', { reports: (NodeReport & { nodes: number[] })[] }>;

export const reportEvents: EventVersions<NodesReported> = { NodesReported: [] };

/** Events that change the node itself, not the result of its last run: see machines.ts. */
type MachineEvent = Extract<PublishedTaskEvent, { type: 'MachineAssigned' | 'MachineReturned' }>;
type RunEvent = Exclude<PublishedTaskEvent, MachineEvent>;

export function isMachineEvent(event: PublishedTaskEvent): event is MachineEvent {
  return event.type === 'MachineAssigned' || event.type === 'MachineReturned';
}

type Result = Omit<NodeReport, 'task'>;

function reportOf(event: RunEvent): { report: Result; nodes: number[] } {
  // biome-ignore format: one line for each kind
  switch (event.type) {
    case 'BatchStarted': return { report: { state: 1 }, nodes: event.data.nodes };
    case 'RunSucceeded': return { report: succeeded(event.data.tag), nodes: [event.data.node] };
    case 'RunFailed': return { report: { state: 3, status: 3, reason: shortened(event.data.reason) }, nodes: [event.data.node] };
    case 'TaskStopped': return { report: { state: 4 }, nodes: event.data.nodes };
    case 'TaskTimedOut': return { report: { state: 3, status: 3, reason: 'the time limit of the task' }, nodes: event.data.nodes };
    case 'RunsHalted': return { report: { state: 4 }, nodes: event.data.nodes };
  }
}

/** Without the reason of an earlier failure in the same report. */
function succeeded(tag: string | undefined): Result {
  return tag === undefined ? { state: 2, status: 1 } : { state: 2, status: 1, tag };
}

function shortened(reason: string): string {
  const characters = Array.from(reason);
  return characters.length > MAX_REASON ? `${characters.slice(0, MAX_REASON - 1).join('')}…` : reason;
}

/** A node's report after one more event: the tag and the outcome before it stay, unless the event has its own. */
function merged(before: NodeReport | undefined, report: NodeReport): NodeReport {
  if (!before) return report;
  const { reason, ...others } = before;
  return report.status === undefined ? { ...before, ...report } : { ...others, ...report };
}

/** The tasks' streams are `task-<id>`. */
function taskOf(stream: string): { task?: number } {
  const id = Number(/^task-(\d+)$/.exec(stream)?.[1]);
  return Number.isSafeInteger(id) ? { task: id } : {};
}

const keyOf = ({ state, status, task, reason = '', tag = '' }: NodeReport): string =>
  `${state} ${status} ${task} ${tag}\n${reason}`;

/** A followed event, with the stream that it is in. */
export type FollowedEvent = PublishedTaskEvent & { stream: string };

/**
 * The result of events of the scheduler, oldest first: for each node its last state and its last finished run.
 * Undefined if no event concerns a node.
 */
export function summarize(events: readonly FollowedEvent[]): NodesReported | undefined {
  const latest = new Map<number, NodeReport>();
  for (const event of events) {
    if (isMachineEvent(event)) continue;
    const { report, nodes } = reportOf(event);
    const ofTask = { ...report, ...taskOf(event.stream) };
    for (const node of nodes) latest.set(node, merged(latest.get(node), ofTask));
  }
  if (latest.size === 0) return undefined;
  const groups = new Map<string, NodeReport & { nodes: number[] }>();
  for (const [node, report] of latest) {
    const key = keyOf(report);
    const group = groups.get(key);
    if (group) group.nodes.push(node);
    else groups.set(key, { ...report, nodes: [node] });
  }
  return { type: 'NodesReported', data: { reports: [...groups.values()] } };
}
