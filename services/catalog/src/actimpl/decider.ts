import { isDeepStrictEqual } from 'node:util';
import { type ActionImpl, checkName, noSuch, type Stamp } from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';
import { checkImplTemplate } from './impl-template.js';

/** Without the fields that follow from the stream itself. */
type Recorded = Omit<ActionImpl, keyof Stamp>;
type Fields = Omit<Recorded, 'id'>;

export type ActionImplEvent =
  | NewEvent<'ActionImplCreated', Recorded>
  /** Carries only what changed; `template` is whole. With `action_id` it moves to another action. */
  | NewEvent<'ActionImplChanged', { id: number } & Partial<Fields>>
  | NewEvent<'ActionImplDeleted', { id: number }>;

export const actionImplEvents: EventVersions<ActionImplEvent> = {
  ActionImplCreated: [],
  ActionImplChanged: [],
  ActionImplDeleted: [],
};

interface Declared {
  /** Names of the parameters that its action declares. Default: none. */
  declared?: ReadonlySet<string>;
}

export type ActionImplCommand =
  | ({ do: 'create'; id: number } & Fields & Declared)
  | ({ do: 'change'; id: number } & Wanted<Fields> & Declared)
  | { do: 'delete'; id: number };

/** Undefined before it is created and after it is deleted. */
export type ActionImplState = Recorded | undefined;

const checkType = (value: string): string => checkName(value, 'type');

/**
 * Rules of one implementation of an action. Constraints of the read tables ensure that its action exists and has no
 * other of its type.
 */
export const actionImplDecider: Decider<ActionImplState, ActionImplCommand, ActionImplEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`implementation ${command.id} exists already`);
      const { id, action_id, type, template } = command;
      return [
        {
          type: 'ActionImplCreated',
          data: {
            id,
            action_id,
            type: checkType(type),
            template: checkImplTemplate(template, { declared: command.declared }),
          },
        },
      ];
    }
    if (!state) throw noSuch('implementation', command.id, `implementation ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'ActionImplDeleted', data: { id } }];
    const { declared } = command;
    const changes = changesOf<Fields>(state, {
      action_id: command.action_id,
      type: ifGiven(command.type, checkType),
      // A value that an earlier release saved stays valid, so that clients can send it along with another change.
      template: ifGiven(command.template, (template) =>
        checkImplTemplate(template, {
          declared: isDeepStrictEqual(template, state.template) ? 'any' : declared,
          stored: state.template,
        }),
      ),
    });
    return changes ? [{ type: 'ActionImplChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'ActionImplCreated':
        return event.data;
      case 'ActionImplChanged':
        return state && { ...state, ...event.data };
      case 'ActionImplDeleted':
        return undefined;
    }
  },
};
