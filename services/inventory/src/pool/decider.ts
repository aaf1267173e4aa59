import {
  checkDesc,
  checkLabels,
  checkName,
  noSuch,
  type Pool,
  type PoolTasks,
  ServiceError,
  type Stamp,
  show,
} from '@rigel/contracts';
import type { Decider, EventVersions, NewEvent } from '@rigel/event-store';
import { changesOf, ifGiven, type Wanted } from '@rigel/event-store';

/**
 * Without the fields that follow from the stream itself, and without the number of nodes, which follows from the events
 * of the nodes. `protected` is absent until somebody turns it on, `labels` until somebody gives some.
 */
type PoolState = Omit<Pool, 'node_count' | keyof Stamp>;
type Fields = Omit<PoolState, 'id' | 'protected'>;
/** A pool stays with its service. */
type Changeable = Omit<PoolState, 'id' | 'service_id'>;

export type PoolEvent =
  | NewEvent<'PoolCreated', PoolState>
  /** Carries only what changed; `tasks` is whole. */
  | NewEvent<'PoolChanged', { id: number } & Partial<Changeable>>
  | NewEvent<'PoolDeleted', { id: number }>;

export const poolEvents: EventVersions<PoolEvent> = {
  PoolCreated: [],
  PoolChanged: [],
  PoolDeleted: [],
};

export type PoolCommand =
  | ({ do: 'create'; id: number } & Fields)
  | ({ do: 'change'; id: number } & Wanted<Fields>)
  /** From now on what takes its nodes out of service must come with its name, or need not. */
  | { do: 'protect'; id: number; protected: boolean }
  | { do: 'delete'; id: number };

/** Id of a thing of another system; 0 stands for none. */
function checkId(field: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  const wrong = value < 0 ? 'must not be negative' : 'is too large';
  throw new ServiceError(
    value < 0 ? 'too_small' : 'too_large',
    `${field} ${wrong} (got ${show(value)})`,
    field,
    { value },
  );
}
const checkVmType = (value: number): number => checkId('vm_type', value);
const checkSdId = (value: number): number => checkId('sd_id', value);

/** An operation checks the ids of its templates: a pool may be set up before its templates. */
function checkTasks(tasks: PoolTasks): PoolTasks {
  for (const id of Object.values(tasks)) checkId('tasks', id);
  return tasks;
}

/**
 * Rules of one pool. Constraints of the read tables ensure that names are unique, that its service exists, and that a
 * pool with nodes stays.
 */
export const poolDecider: Decider<PoolState | undefined, PoolCommand, PoolEvent> = {
  initial: undefined,

  decide(command, state) {
    if (command.do === 'create') {
      if (state) throw new Error(`pool ${command.id} exists already`);
      const { id, name, desc, vm_type, sd_id, service_id, tasks, labels = {} } = command;
      return [
        {
          type: 'PoolCreated',
          data: {
            id,
            name: checkName(name),
            desc: checkDesc(desc),
            vm_type: checkVmType(vm_type),
            sd_id: checkSdId(sd_id),
            service_id,
            tasks: checkTasks(tasks),
            ...(Object.keys(labels).length === 0 ? {} : { labels: checkLabels('labels', labels) }),
          },
        },
      ];
    }
    if (!state) throw noSuch('pool', command.id, `pool ${command.id} does not exist`);
    const { id } = state;
    if (command.do === 'delete') return [{ type: 'PoolDeleted', data: { id } }];
    if (command.do === 'protect') {
      if ((state.protected ?? false) === command.protected) return [];
      return [{ type: 'PoolChanged', data: { id, protected: command.protected } }];
    }
    if (command.service_id !== undefined && command.service_id !== state.service_id) {
      throw new ServiceError(
        'cannot_change',
        `service_id must be ${state.service_id}: a pool does not move to another service (got ${command.service_id})`,
        'service_id',
        { value: command.service_id, data: { is: state.service_id } },
      );
    }
    const changes = changesOf<Changeable>(
      { labels: {}, ...state },
      {
        name: ifGiven(command.name, checkName),
        desc: ifGiven(command.desc, checkDesc),
        vm_type: ifGiven(command.vm_type, checkVmType),
        sd_id: ifGiven(command.sd_id, checkSdId),
        tasks: ifGiven(command.tasks, checkTasks),
        labels: ifGiven(command.labels, (labels) => checkLabels('labels', labels)),
      },
    );
    return changes ? [{ type: 'PoolChanged', data: { id, ...changes } }] : [];
  },

  evolve(state, event) {
    switch (event.type) {
      case 'PoolCreated':
        return event.data;
      case 'PoolChanged':
        return state && { ...state, ...event.data };
      case 'PoolDeleted':
        return undefined;
    }
  },
};
