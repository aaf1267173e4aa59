import { type PoolNode, ServiceError } from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';

export type NodeEvent =
  | NewEvent<'NodeAdded', Omit<PoolNode, 'state'>>
  | NewEvent<'NodeRemoved', { id: number; pool_id: number; ip: string }>;

export const nodeEvents: EventVersions<NodeEvent> = {
  NodeAdded: [],
  NodeRemoved: [],
};

export type NodeCommand =
  /** A node entered by hand: its machine exists, so it is ready at once. `ip` has been checked. */
  { do: 'enter'; id: number; pool_id: number; ip: string } | { do: 'remove'; id: number; pool_id: number };

/**
 * Undefined before it is added and after it is removed. What tasks made of the node is not part of it: no rule here
 * depends on that (see scheduler-events.ts).
 */
export type NodeState = { pool_id: number; ip: string } | undefined;

/** Rules of one node. That its pool exists and its address is no other node's, the read tables see to. */
export const nodeDecider: Decider<NodeState, NodeCommand, NodeEvent> = {
  initial: undefined,

  decide(command, state) {
    const { id, pool_id } = command;
    if (command.do === 'enter') {
      if (state) throw new Error(`node ${id} exists already`);
      return [
        {
          type: 'NodeAdded',
          data: { id, pool_id, ip: command.ip, vm_id: '', status: 1, node_type: 'manual' },
        },
      ];
    }
    if (state?.pool_id !== pool_id) {
      throw new ServiceError('not_found', `node ${id} is not in pool ${pool_id}`, 'nodes');
    }
    return [{ type: 'NodeRemoved', data: { id, pool_id, ip: state.ip } }];
  },

  evolve(_, event) {
    switch (event.type) {
      case 'NodeAdded':
        return { pool_id: event.data.pool_id, ip: event.data.ip };
      case 'NodeRemoved':
        return undefined;
    }
  },
};
