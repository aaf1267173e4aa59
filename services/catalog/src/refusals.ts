import { ServiceError, show } from '@rigel/contracts';
import { isDatabaseError, type NewEvent } from '@rigel/event-store';

type Fields = { name?: string; action_id?: number; type?: string };

const taken = (kind: string, name: string | undefined): ServiceError =>
  new ServiceError('name_taken', `another ${kind} is named ${show(name)}`, 'name', {
    value: name,
    data: { kind: kind.replace(' ', '_') },
  });

/** The refusal for each constraint of the read tables. */
const CONSTRAINTS: Record<string, (data: Fields) => ServiceError> = {
  actions_name: ({ name }) => taken('action', name),
  remote_steps_name: ({ name }) => taken('remote step', name),
  templates_name: ({ name }) => taken('template', name),
  actimpls_action: ({ action_id }) =>
    new ServiceError('not_found', `action_id ${action_id} does not exist`, 'action_id'),
  // An event that moves an implementation carries only what changed: the action, the type, or both.
  actimpls_action_type: ({ type }) =>
    new ServiceError(
      'type_taken',
      type === undefined
        ? 'the action has an implementation of this type'
        : `the action has an implementation of type ${show(type)}`,
      type === undefined ? 'action_id' : 'type',
    ),
};

/** The refusal that an error of the database means, or the error itself. `events` are those being projected. */
export function asRefusal(error: unknown, events: readonly NewEvent[]): unknown {
  const event = events[0];
  if (!event || !isDatabaseError(error) || !error.constraint) return error;
  return CONSTRAINTS[error.constraint]?.(event.data as Fields) ?? error;
}
