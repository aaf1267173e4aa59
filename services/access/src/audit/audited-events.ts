import { type EventOwner, PRIVATE_EVENTS, type PublishedEvent } from '@rigel/contracts';

/*
 * Which events are somebody's doing, and what that is called: as the endpoint that does it, so that one filter finds what was
 * done and what was refused. Events of types that are not known here are of a newer service; they are written down under
 * their own name, because a change must not be missing.
 */

/** Action by type of event. */
export const ACTIONS: Readonly<Record<EventOwner, Readonly<Record<string, string>>>> = {
  inventory: {
    ClusterCreated: 'cluster.create',
    ClusterChanged: 'cluster.update',
    ClusterDeleted: 'cluster.delete',
    ServiceCreated: 'service.create',
    ServiceChanged: 'service.update',
    ServiceDeleted: 'service.delete',
    PoolCreated: 'pool.create',
    PoolChanged: 'pool.update',
    PoolDeleted: 'pool.delete',
    NodeAdded: 'pool.add_nodes',
    NodeRemoved: 'pool.remove_nodes',
  },
  catalog: {
    ActionCreated: 'action.create',
    ActionChanged: 'action.update',
    ActionDeleted: 'action.delete',
    ActionImplCreated: 'actimpl.create',
    ActionImplChanged: 'actimpl.update',
    ActionImplDeleted: 'actimpl.delete',
    RemoteStepCreated: 'remote_step.create',
    RemoteStepChanged: 'remote_step.update',
    RemoteStepDeleted: 'remote_step.delete',
    TemplateCreated: 'task_tpl.create',
    TemplateChanged: 'task_tpl.update',
    TemplateDeleted: 'task_tpl.delete',
  },
  scheduler: {
    TaskCreated: 'task.create',
    TaskStarted: 'task.start',
    TaskPaused: 'task.pause',
    TaskStopped: 'task.stop',
    NodeReleased: 'task.release_node',
    ScheduleSaved: 'task.save_task',
  },
  access: {
    TokenCreated: 'token.create',
    TokenRevoked: 'token.revoke',
  },
};

/** What follows by itself from what somebody did: the tasks' own log has it, and it would bury the rest. */
export const CONSEQUENCES: Readonly<Record<EventOwner, readonly string[]>> = {
  inventory: PRIVATE_EVENTS.inventory,
  catalog: [],
  scheduler: [
    ...PRIVATE_EVENTS.scheduler,
    'BatchStarted',
    'MachineAssigned',
    'MachineReturned',
    'RunFailed',
    'RunSucceeded',
    'RunsHalted',
    'TaskTimedOut',
  ],
  access: [],
};

/** What an event is called in the audit; undefined: it is not there. */
export function actionOf(owner: EventOwner, type: string): string | undefined {
  if (CONSEQUENCES[owner].includes(type)) return undefined;
  return ACTIONS[owner][type] ?? type;
}

/** Name or address of what an event is about, where its data say it; of any version, so nothing else is relied on. */
export function nameIn({ data }: PublishedEvent): string {
  for (const field of [data.name, data.ip]) {
    if (typeof field === 'string') return field;
  }
  return '';
}
