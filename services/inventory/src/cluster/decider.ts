import {
  type Cluster,
  checkDesc,
  checkName,
  checkText,
  managedFromNow,
  managedFromStart,
  noSuch,
  type Stamp,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';

/** Without the fields that follow from the stream itself. */
type Recorded = Omit<Cluster, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;

export type ClusterEvent =
  | NewEvent<'ClusterCreated', Recorded>
  /** Carries only what changed. */
  | NewEvent<'ClusterChanged', { id: number } & Partial<Fields>>
  | NewEvent<'ClusterDeleted', { id: number }>;

export const clusterEvents: EventVersions<ClusterEvent> = {
  ClusterCreated: [],
  ClusterChanged: [],
  ClusterDeleted: [],
};

export type ClusterCommand =
  | ({ do: 'create'; id: number } & Fields)
  | ({ do: 'change'; id: number } & Wanted<Fields>)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type ClusterState = Recorded | undefined;

const checkBiz = (value: string): string => checkText('biz', value);

/** Rules of one cluster. That names are unique, and that a cluster with services stays, the read tables see to. */
export const clusterDecider: Decider<ClusterState, ClusterCommand, ClusterEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`cluster ${command.id} exists already`);
      const { id, name, desc, biz, managed_by } = command;
      return [
        {
          type: 'ClusterCreated',
          data: {
            id,
            name: checkName(name),
            desc: checkDesc(desc),
            biz: checkBiz(biz),
            ...managedFromStart(managed_by),
          },
        },
      ];
    }
    if (!state) throw noSuch('cluster', command.id, `cluster ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'ClusterDeleted', data: { id } }];
    const changes = changesOf<Fields>(state, {
      name: ifGiven(command.name, checkName),
      desc: ifGiven(command.desc, checkDesc),
      biz: ifGiven(command.biz, checkBiz),
      managed_by: managedFromNow(state, command.managed_by),
    });
    return changes ? [{ type: 'ClusterChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ClusterCreated':
        return event.data;
      case 'ClusterChanged':
        return state && { ...state, ...event.data };
      case 'ClusterDeleted':
        return undefined;
    }
  },
};
