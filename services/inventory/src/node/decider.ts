import {
  assertFewLabels,
  type Labels,
  NO_ADDRESS,
  type NodeType,
  noSuch,
  type PoolNode,
  ServiceError,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';

export type NodeEvent =
  /** `labels` is absent where it has none. */
  | NewEvent<'NodeAdded', Omit<PoolNode, 'state' | 'last_task' | 'last_reason' | 'version_tag'>>
  /**
   * A VM provider made the node's machine, or reported its address (`NO_ADDRESS` while it has none). `taken`: the
   * machine's address if another node has it. This node has no address then, and still is the same machine as the other
   * one.
   */
  | NewEvent<'NodeMachineAssigned', { id: number; vm_id: string; ip: string; taken?: string }>
  /** It has these labels from now on, and no others. */
  | NewEvent<'NodeLabelled', { id: number; labels: Labels }>
  | NewEvent<'NodeRemoved', { id: number; pool_id: number; ip: string }>;

export const nodeEvents: EventVersions<NodeEvent> = {
  NodeAdded: [],
  NodeMachineAssigned: [],
  NodeLabelled: [],
  NodeRemoved: [],
};

export type NodeCommand =
  /** A node entered by hand: its machine exists, so it is ready at once. `ip` and `labels` have been checked. */
  | { do: 'enter'; id: number; pool_id: number; ip: string; labels?: Labels | undefined }
  /** A node whose machine is still to be made. */
  | { do: 'plan'; id: number; pool_id: number; node_type: NodeType; labels?: Labels | undefined }
  | { do: 'assign'; id: number; vm_id: string; ip: string; taken?: string | undefined }
  /** Sets labels and removes others; all of them have been checked. */
  | { do: 'label'; id: number; set: Labels; remove: readonly string[] }
  | { do: 'remove'; id: number; pool_id: number }
  /** Its machine was returned: the node is removed with it. */
  | { do: 'return'; id: number };

/**
 * Undefined before the node is added and after it is removed. Results of tasks are not part of the state: no rule
 * depends on them (see scheduler-events.ts).
 */
export type NodeState =
  | { pool_id: number; ip: string; vm_id: string; taken?: string; labels?: Labels }
  | undefined;

type Assigned = Extract<NodeEvent, { type: 'NodeMachineAssigned' }>['data'];

const addressOf = ({ ip, vm_id, taken }: Assigned) => ({
  ip,
  vm_id,
  ...(taken === undefined ? {} : { taken }),
});

const withoutLabels = ({ labels: _, ...others }: NonNullable<NodeState>) => others;

/** The field of an event, or of the state, for labels: none where there are none. */
function labelled(labels: Labels = {}): { labels?: Labels } {
  return Object.keys(labels).length === 0 ? {} : { labels };
}

/** The labels with the wanted ones over them and without the removed ones; undefined: they are as before. */
function relabelled(labels: Labels, set: Labels, remove: readonly string[]): Labels | undefined {
  const all = new Map(Object.entries(labels));
  for (const key of remove) all.delete(key);
  for (const [key, value] of Object.entries(set)) all.set(key, value);
  if (all.size === Object.keys(labels).length && [...all].every(([key, value]) => labels[key] === value))
    return undefined;
  return Object.fromEntries([...all].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Rules of one node. Constraints of the read tables ensure that its pool exists and that no other node has its address.
 */
export const nodeDecider: Decider<NodeState, NodeCommand, NodeEvent> = {
  initial: undefined,

  decide(command, state) {
    const { id } = command;
    switch (command.do) {
      case 'enter': {
        if (state) throw new Error(`node ${id} exists already`);
        const { pool_id, ip, labels } = command;
        return [
          {
            type: 'NodeAdded',
            data: { id, pool_id, ip, vm_id: '', status: 1, node_type: 'manual', ...labelled(labels) },
          },
        ];
      }
      case 'plan': {
        if (state) throw new Error(`node ${id} exists already`);
        const { pool_id, node_type, labels } = command;
        return [
          {
            type: 'NodeAdded',
            data: { id, pool_id, ip: NO_ADDRESS, vm_id: '', status: 0, node_type, ...labelled(labels) },
          },
        ];
      }
      case 'assign': {
        const { vm_id, ip, taken } = command;
        if (!state || (state.vm_id === vm_id && state.ip === ip && state.taken === taken)) return [];
        return [
          { type: 'NodeMachineAssigned', data: { id, vm_id, ip, ...(taken === undefined ? {} : { taken }) } },
        ];
      }
      case 'label': {
        if (!state) throw noSuch('node', id, `node ${id} does not exist`, 'nodes');
        const labels = relabelled(state.labels ?? {}, command.set, command.remove);
        if (!labels) return [];
        assertFewLabels('set', Object.keys(labels).length, `node ${id}`);
        return [{ type: 'NodeLabelled', data: { id, labels } }];
      }
      case 'remove': {
        const { pool_id } = command;
        if (state?.pool_id !== pool_id) {
          throw new ServiceError('not_of_pool', `node ${id} is not in pool ${pool_id}`, 'nodes', {
            value: id,
            data: { pool_id },
          });
        }
        return [{ type: 'NodeRemoved', data: { id, pool_id, ip: state.ip } }];
      }
      case 'return':
        if (!state) return [];
        return [{ type: 'NodeRemoved', data: { id, pool_id: state.pool_id, ip: state.ip } }];
      default:
        return command satisfies never;
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'NodeAdded':
        return {
          pool_id: event.data.pool_id,
          ip: event.data.ip,
          vm_id: event.data.vm_id,
          ...labelled(event.data.labels),
        };
      case 'NodeMachineAssigned':
        return state && { pool_id: state.pool_id, ...addressOf(event.data), ...labelled(state.labels) };
      case 'NodeLabelled':
        return state && { ...withoutLabels(state), ...labelled(event.data.labels) };
      case 'NodeRemoved':
        return undefined;
    }
  },
};
