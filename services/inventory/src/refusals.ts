import { ServiceError, show } from '@rigel/contracts';
import { isDatabaseError, type NewEvent } from '@rigel/event-store';

type Fields = { id?: number; name?: string; cluster_id?: number; service_id?: number; pool_id?: number };

const taken = (kind: string, name: string | undefined): ServiceError =>
  new ServiceError('name_taken', `another ${kind} is named ${show(name)}`, 'name', {
    value: name,
    data: { kind },
  });
const missing = (field: keyof Fields, id: number | undefined): ServiceError =>
  new ServiceError('not_found', `${field} ${show(id)} does not exist`, field, {
    value: id,
    data: { kind: field.replace('_id', '') },
  });
const inUse = (kind: string, id: number | undefined, children: string): ServiceError =>
  new ServiceError('has_parts', `${kind} ${show(id)} still has ${children}`, undefined, {
    value: id,
    data: { kind, parts: children },
  });

/**
 * The refusal for each constraint of the read tables. A foreign key stands for two rules: the parent must exist when a
 * child is recorded, and stays while it has one.
 */
const CONSTRAINTS: Record<string, (type: string, data: Fields) => ServiceError> = {
  clusters_name: (_, { name }) => taken('cluster', name),
  services_name: (_, { name }) => taken('service', name),
  pools_name: (_, { name }) => taken('pool', name),
  nodes_ip: () =>
    new ServiceError('address_taken', 'an address has just become that of another node', 'nodes'),
  services_cluster: (type, { id, cluster_id }) =>
    type === 'ClusterDeleted' ? inUse('cluster', id, 'services') : missing('cluster_id', cluster_id),
  pools_service: (type, { id, service_id }) =>
    type === 'ServiceDeleted' ? inUse('service', id, 'pools') : missing('service_id', service_id),
  nodes_pool: (type, { id, pool_id }) =>
    type === 'PoolDeleted' ? inUse('pool', id, 'nodes') : missing('pool_id', pool_id),
};

/** The refusal that an error of the database means, or the error itself. `events` are those being projected. */
export function asRefusal(error: unknown, events: readonly NewEvent[]): unknown {
  const event = events[0];
  if (!event || !isDatabaseError(error) || !error.constraint) return error;
  return CONSTRAINTS[error.constraint]?.(event.type, event.data as Fields) ?? error;
}
