import { type EventOwner, ONE_OFF_TEMPLATE, PRIVATE_EVENTS, type PublishedEvent } from '@rigel/contracts';

/*
 * The events that are actions of people, and the names of these actions. An action has the name of its endpoint, so
 * that one filter finds both done and refused requests. Events of an unknown type come from a newer service. The audit
 * records them under their own name, because no change may be missing.
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
    NodeLabelled: 'node.label',
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
    MomentLeftOut: 'schedule.ignore_next',
    MomentTakenBack: 'schedule.ignore_next_undone',
  },
  access: {
    TokenCreated: 'token.create',
    TokenRevoked: 'token.revoke',
    SessionStarted: 'session.start',
    SessionEnded: 'session.end',
    SessionRevoked: 'session.revoke',
  },
};

/** Events that only follow from an action. The log of the task has them; in the audit they would bury the rest. */
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

/**
 * Name of an event in the audit; undefined: the audit does not record it.
 * @param data of the event, which tells whether a task was made of a template, of a script, or of an ended task.
 */
export function actionOf(
  owner: EventOwner,
  type: string,
  data: Readonly<Record<string, unknown>> = {},
): string | undefined {
  if (CONSEQUENCES[owner].includes(type)) return undefined;
  if (owner === 'scheduler' && type === 'TaskCreated') {
    if (data.againOf !== undefined) return 'task.again';
    if ((data.template as { id?: unknown } | undefined)?.id === ONE_OFF_TEMPLATE.id) return 'task.run';
  }
  return ACTIONS[owner][type] ?? type;
}

/** Name or address of the target, if the data of the event have it. It must work for every version of the data. */
export function nameIn({ data }: PublishedEvent): string {
  for (const field of [data.name, data.ip]) {
    if (typeof field === 'string') return field;
  }
  return '';
}
