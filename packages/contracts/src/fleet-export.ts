import { type Static, Type } from 'typebox';
import { Action, ActionImpl, RemoteStep, Template } from './catalog.js';
import { ServiceError } from './errors.js';
import { Text } from './forms.js';
import { Cluster, FleetService, Pool } from './inventory.js';
import { Labels } from './labels.js';
import { Id } from './paging.js';
import { defineRpc } from './rpc.js';
import { Schedule } from './schedules.js';

/*
 * All that can be written in files, with the version of each thing. Each service reads its part in one snapshot.
 */

/** Most things of one answer, nodes not counted. Beyond it: `too_large`. */
export const MAX_EXPORTED = 20_000;
/** Most nodes of one answer. */
export const MAX_EXPORTED_NODES = 250_000;

/** `managed_by`: only things of this set of files. */
const ofSet = { managed_by: Type.Optional(Text) };
const timeoutMs = 15_000;

/** Kinds of things that the inventory exports; `node`: those that were entered by hand. */
const InventoryKind = Type.Enum(['cluster', 'service', 'pool', 'node']);

/**
 * The nodes of a pool that were entered by hand and have the same labels. The others come and go by expand and shrink.
 */
export const ExportedNodes = Type.Object({
  pool_id: Id,
  labels: Labels,
  /** In the order of their addresses, as they were entered. */
  ips: Type.Array(Type.String()),
});
export type ExportedNodes = Static<typeof ExportedNodes>;

export const fleetExport = {
  catalog: defineRpc('catalog.export.read', {
    request: Type.Object(ofSet),
    response: Type.Object({
      actions: Type.Array(Action),
      implementations: Type.Array(ActionImpl),
      steps: Type.Array(RemoteStep),
      templates: Type.Array(Template),
    }),
    timeoutMs,
  }),
  inventory: defineRpc('inventory.export.read', {
    request: Type.Object({ ...ofSet, kinds: Type.Array(InventoryKind, { maxItems: 4 }) }),
    response: Type.Object({
      clusters: Type.Array(Cluster),
      services: Type.Array(FleetService),
      pools: Type.Array(Pool),
      nodes: Type.Array(ExportedNodes),
    }),
    timeoutMs,
  }),
  /** All scheduled tasks: they belong to the sets of their pools. */
  schedules: defineRpc('scheduler.export.read', {
    request: Type.Object({}),
    response: Type.Object({ schedules: Type.Array(Schedule) }),
    timeoutMs,
  }),
};

/** @param most of one answer. @throws ServiceError `invalid` if there is more. */
export function checkExportSize(what: 'things' | 'nodes', count: number, most: number): void {
  if (count <= most) return;
  throw new ServiceError(
    'too_large',
    `there are more than ${most} ${what}, and one answer has no more: ask for some kinds only (kinds), or for one set (scope)`,
    'kinds',
    { data: { limit: most } },
  );
}
