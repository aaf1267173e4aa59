import { Type } from 'typebox';
import { defineRpc } from './rpc.js';

/** The services of a working system; each answers `health` on NATS. */
export const SERVICES = ['inventory', 'catalog', 'scheduler', 'executor', 'access'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Whether a service can do its work: each check is `ok` or the reason why not. */
export function health(service: ServiceName) {
  return defineRpc(`${service}.health`, {
    request: Type.Object({}),
    response: Type.Object({ name: Type.String(), checks: Type.Record(Type.String(), Type.String()) }),
    timeoutMs: 2_000,
  });
}
