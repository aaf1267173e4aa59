import {
  type Action,
  type ActionParams,
  checkDesc,
  checkName,
  managedFromNow,
  managedFromStart,
  noSuch,
  ServiceError,
  type Stamp,
  show,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';
import type { Static } from 'typebox';

type Params = Static<typeof ActionParams>;
/** Without the fields that follow from the stream itself. */
type Recorded = Omit<Action, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;
/** As received: the types of the parameters are not checked yet. */
type RawFields = Omit<Fields, 'params'> & { params: Record<string, unknown> };

export type ActionEvent =
  | NewEvent<'ActionCreated', Recorded>
  /** Carries only what changed; `params` is whole. */
  | NewEvent<'ActionChanged', { id: number } & Partial<Fields>>
  | NewEvent<'ActionDeleted', { id: number }>;

export const actionEvents: EventVersions<ActionEvent> = {
  ActionCreated: [],
  ActionChanged: [],
  ActionDeleted: [],
};

export type ActionCommand =
  | ({ do: 'create'; id: number } & RawFields)
  | ({ do: 'change'; id: number } & Wanted<RawFields>)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type ActionState = Recorded | undefined;

/** Parameter names are printable ASCII: command templates and HTTP requests contain them. */
const PARAM_NAME = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

function checkParams(params: Record<string, unknown>): Params {
  for (const [name, type] of Object.entries(params)) {
    if (!PARAM_NAME.test(name)) {
      throw new ServiceError(
        'wrong_form',
        `params: a name must be printable ASCII without blanks around it (got ${show(name)})`,
        'params',
      );
    }
    if (type !== 'string' && type !== 'integer') {
      throw new ServiceError(
        'not_a_choice',
        `params: the type of ${show(name)} must be string or integer (got ${show(type)})`,
        'params',
      );
    }
  }
  return params as Params;
}

/**
 * Rules of one action. A constraint of the read tables ensures that names are unique. The store checks, when it records
 * the event, that no remote step names an action that is deleted or renamed.
 */
export const actionDecider: Decider<ActionState, ActionCommand, ActionEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`action ${command.id} exists already`);
      const { id, name, desc, params, managed_by } = command;
      return [
        {
          type: 'ActionCreated',
          data: {
            id,
            name: checkName(name),
            desc: checkDesc(desc),
            params: checkParams(params),
            ...managedFromStart(managed_by),
          },
        },
      ];
    }
    if (!state) throw noSuch('action', command.id, `action ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'ActionDeleted', data: { id } }];
    const changes = changesOf<Fields>(state, {
      name: ifGiven(command.name, checkName),
      desc: ifGiven(command.desc, checkDesc),
      params: command.params && checkParams(command.params),
      managed_by: managedFromNow(state, command.managed_by),
    });
    return changes ? [{ type: 'ActionChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ActionCreated':
        return event.data;
      case 'ActionChanged':
        return state && { ...state, ...event.data };
      case 'ActionDeleted':
        return undefined;
    }
  },
};
