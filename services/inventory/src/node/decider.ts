import { NO_ADDRESS, type NodeType, type PoolNode, ServiceError } from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';

export type NodeEvent =
  | NewEvent<'NodeAdded', Omit<PoolNode, 'state' | 'last_task' | 'last_reason' | 'version_tag'>>
  /**
   * A VM provider made the node's machine, or reported its address (`NO_ADDRESS` while it has none). `taken`: the
   * machine's address if another node has it. This node has no address then, and still is the same machine as the other
   * one.
   */
  | NewEvent<'NodeMachineAssigned', { id: number; vm_id: string; ip: string; taken?: string }>
  | NewEvent<'NodeRemoved', { id: number; pool_id: number; ip: string }>;

export const nodeEvents: EventVersions<NodeEvent> = {
  NodeAdded: [],
  NodeMachineAssigned: [],
  NodeRemoved: [],
};

export type NodeCommand =
  /** A node entered by hand: its machine exists, so it is ready at once. `ip` has been checked. */
  | { do: 'enter'; id: number; pool_id: number; ip: string }
  /** A node whose machine is still to be made. */
  | { do: 'plan'; id: number; pool_id: number; node_type: NodeType }
  | { do: 'assign'; id: number; vm_id: string; ip: string; taken?: string | undefined }
  | { do: 'remove'; id: number; pool_id: number }
  /** Its machine was returned: the node is removed with it. */
  | { do: 'return'; id: number };

/**
 * Undefined before the node is added and after it is removed. Results of tasks are not part of the state: no rule
 * depends on them (see scheduler-events.ts).
 */
export type NodeState = { pool_id: number; ip: string; vm_id: string; taken?: string } | undefined;

type Assigned = Extract<NodeEvent, { type: 'NodeMachineAssigned' }>['data'];

const addressOf = ({ ip, vm_id, taken }: Assigned) => ({
  ip,
  vm_id,
  ...(taken === undefined ? {} : { taken }),
});

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
        const { pool_id, ip } = command;
        return [{ type: 'NodeAdded', data: { id, pool_id, ip, vm_id: '', status: 1, node_type: 'manual' } }];
      }
      case 'plan': {
        if (state) throw new Error(`node ${id} exists already`);
        const { pool_id, node_type } = command;
        return [
          { type: 'NodeAdded', data: { id, pool_id, ip: NO_ADDRESS, vm_id: '', status: 0, node_type } },
        ];
      }
      case 'assign': {
        const { vm_id, ip, taken } = command;
        if (!state || (state.vm_id === vm_id && state.ip === ip && state.taken === taken)) return [];
        return [
          { type: 'NodeMachineAssigned', data: { id, vm_id, ip, ...(taken === undefined ? {} : { taken }) } },
        ];
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
        return { pool_id: event.data.pool_id, ip: event.data.ip, vm_id: event.data.vm_id };
      case 'NodeMachineAssigned':
        return state && { pool_id: state.pool_id, ...addressOf(event.data) };
      case 'NodeRemoved':
        return undefined;
    }
  },
};
