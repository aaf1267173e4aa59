import {
  checkDesc,
  checkName,
  checkText,
  type FleetService,
  managedFromNow,
  managedFromStart,
  noSuch,
  type Stamp,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';

/** Without the fields that follow from the stream itself. */
type Recorded = Omit<FleetService, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;

export type ServiceEvent =
  | NewEvent<'ServiceCreated', Recorded>
  /** Carries only what changed. */
  | NewEvent<'ServiceChanged', { id: number } & Partial<Fields>>
  | NewEvent<'ServiceDeleted', { id: number }>;

export const serviceEvents: EventVersions<ServiceEvent> = {
  ServiceCreated: [],
  ServiceChanged: [],
  ServiceDeleted: [],
};

export type ServiceCommand =
  | ({ do: 'create'; id: number } & Fields)
  | ({ do: 'change'; id: number } & Wanted<Fields>)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type ServiceState = Recorded | undefined;

const checkType = (value: string): string => checkText('service_type', value);
const checkImage = (value: string): string => checkText('docker_image', value);

/**
 * Rules of one service of the fleet. Constraints of the read tables ensure that names are unique, that its cluster
 * exists, and that a service with pools stays.
 */
export const serviceDecider: Decider<ServiceState, ServiceCommand, ServiceEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`service ${command.id} exists already`);
      const { id, name, desc, service_type, docker_image, cluster_id, managed_by } = command;
      return [
        {
          type: 'ServiceCreated',
          data: {
            id,
            name: checkName(name),
            desc: checkDesc(desc),
            service_type: checkType(service_type),
            docker_image: checkImage(docker_image),
            cluster_id,
            ...managedFromStart(managed_by),
          },
        },
      ];
    }
    if (!state) throw noSuch('service', command.id, `service ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'ServiceDeleted', data: { id } }];
    const changes = changesOf<Fields>(state, {
      name: ifGiven(command.name, checkName),
      desc: ifGiven(command.desc, checkDesc),
      service_type: ifGiven(command.service_type, checkType),
      docker_image: ifGiven(command.docker_image, checkImage),
      cluster_id: command.cluster_id,
      managed_by: managedFromNow(state, command.managed_by),
    });
    return changes ? [{ type: 'ServiceChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ServiceCreated':
        return event.data;
      case 'ServiceChanged':
        return state && { ...state, ...event.data };
      case 'ServiceDeleted':
        return undefined;
    }
  },
};
