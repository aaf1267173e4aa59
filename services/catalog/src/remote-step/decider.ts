import {
  checkDesc,
  checkName,
  managedFromNow,
  managedFromStart,
  noSuch,
  type RemoteStep,
  ServiceError,
  type Stamp,
  show,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';
import { isBuiltIn } from '../built-in-steps.js';

/** Without the fields that follow from the stream itself. */
type Recorded = Omit<RemoteStep, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;

export type RemoteStepEvent =
  | NewEvent<'RemoteStepCreated', Recorded>
  /** Carries only what changed; `actions` is whole. */
  | NewEvent<'RemoteStepChanged', { id: number } & Partial<Fields>>
  | NewEvent<'RemoteStepDeleted', { id: number }>;

export const remoteStepEvents: EventVersions<RemoteStepEvent> = {
  RemoteStepCreated: [],
  RemoteStepChanged: [],
  RemoteStepDeleted: [],
};

export type RemoteStepCommand =
  | ({ do: 'create'; id: number } & Fields)
  | ({ do: 'change'; id: number } & Wanted<Fields>)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type RemoteStepState = Recorded | undefined;

function checkStepName(value: string): string {
  const name = checkName(value);
  if (isBuiltIn(name))
    throw new ServiceError('name_built_in', `${show(name)} is a built-in step`, 'name', { value: name });
  return name;
}

/** Actions need not exist yet, but must be names that an action can have. */
const checkActions = (actions: string[]): string[] => actions.map((name) => checkName(name, 'actions'));

/**
 * Rules of one remote step. A constraint of the read tables ensures that names are unique. The store checks, when it
 * records the event, that no template names a step that is deleted or renamed.
 */
export const remoteStepDecider: Decider<RemoteStepState, RemoteStepCommand, RemoteStepEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`remote step ${command.id} exists already`);
      const { id, name, desc, actions, managed_by } = command;
      return [
        {
          type: 'RemoteStepCreated',
          data: {
            id,
            name: checkStepName(name),
            desc: checkDesc(desc),
            actions: checkActions(actions),
            ...managedFromStart(managed_by),
          },
        },
      ];
    }
    if (!state) throw noSuch('remote_step', command.id, `remote step ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'RemoteStepDeleted', data: { id } }];
    const changes = changesOf<Fields>(state, {
      name: ifGiven(command.name, checkStepName),
      desc: ifGiven(command.desc, checkDesc),
      actions: ifGiven(command.actions, checkActions),
      managed_by: managedFromNow(state, command.managed_by),
    });
    return changes ? [{ type: 'RemoteStepChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'RemoteStepCreated':
        return event.data;
      case 'RemoteStepChanged':
        return state && { ...state, ...event.data };
      case 'RemoteStepDeleted':
        return undefined;
    }
  },
};
