import { type Static, Type } from 'typebox';
import { CheckOutcome, CheckRunning } from './checks.js';
import { MACHINE_WORD } from './execution.js';
import { Id } from './paging.js';
import { defineRpc, WITHIN_ANOTHER_MS } from './rpc.js';

/*
 * Machines at VM providers that no node has. The scheduler looks for them on demand: it asks an executor for the machines of
 * each provider, and the inventory which of them are a node's. Nothing here makes or returns a machine.
 */

const Count = Type.Integer({ minimum: 0 });
const MachineText = Type.String({ maxLength: 255, pattern: MACHINE_WORD });

/** Providers of one executor. */
const MAX_PROVIDERS = 1_000;
/** Machines of one provider that an executor names. */
export const MAX_LISTED_MACHINES = 20_000;
/** Machines about which one request asks the inventory. */
export const MAX_ASKED_MACHINES = 1_000;
/** How long an executor waits for the list of one provider. */
export const LIST_MACHINES_MS = 120_000;

/** A VM provider of an executor. */
export const VmProviderRow = Type.Object({
  /** Its number, the `vm_type` of pools. */
  vm_type: Id,
  /** Number and adapter, `vm 1 (local)`. */
  name: Type.String({ maxLength: 100 }),
  /** Whether it can name its machines. */
  lists: Type.Boolean(),
});

/** A machine as its provider lists it. */
export const ListedMachineRow = Type.Object({
  vm_id: Type.String({ minLength: 1, maxLength: 255, pattern: MACHINE_WORD }),
  /** Its address; empty: it has none yet. */
  ip: MachineText,
  /** The name under which a node run asked for it; empty: the provider keeps none. */
  token: MachineText,
  /** When it was made; null: the provider does not say. */
  made: Type.Union([Count, Type.Null()]),
});
export type ListedMachineRow = Static<typeof ListedMachineRow>;

export const vmProviders = {
  /** The VM providers of the executor that answers. An executor that has none does not answer. */
  providers: defineRpc('executor.vm.providers', {
    request: Type.Object({}),
    response: Type.Object({ providers: Type.Array(VmProviderRow, { maxItems: MAX_PROVIDERS }) }),
    timeoutMs: WITHIN_ANOTHER_MS,
  }),
  /** `not_found` (field `vm_type`): no such provider here; `unavailable`: the provider refuses, or does not answer. */
  machines: defineRpc('executor.vm.machines', {
    request: Type.Object({ vm_type: Id }),
    response: Type.Object({
      machines: Type.Array(ListedMachineRow, { maxItems: MAX_LISTED_MACHINES }),
      /** Machines whose id or address cannot be one: control characters, blanks, too long. */
      unreadable: Count,
      /** Machines beyond `MAX_LISTED_MACHINES`, which are not looked at. */
      more: Count,
    }),
    timeoutMs: LIST_MACHINES_MS + 5_000,
  }),
};

/** Which of these machines a node has. */
export const machinesOfNodes = defineRpc('inventory.node.machines', {
  request: Type.Object({
    vm_ids: Type.Array(Type.String({ maxLength: 255 }), { maxItems: MAX_ASKED_MACHINES }),
  }),
  response: Type.Object({
    taken: Type.Array(Type.String()),
    /** False: what tasks did last may not be known yet, so a machine may have a node all the same. */
    followed: Type.Boolean(),
  }),
  timeoutMs: WITHIN_ANOTHER_MS,
});

/** The task and node run that asked for a machine. */
export const MachineMaker = Type.Object({
  task_id: Id,
  task_name: Type.String(),
  pool_id: Id,
  pool_name: Type.String(),
  run_id: Id,
  node_id: Id,
  /** State of the run, as everywhere: 0 = waits, 1 = runs, 2 = success, 3 = failed, 4 = stopped. */
  state: Type.Integer({ minimum: 0, maximum: 4 }),
});
export type MachineMaker = Static<typeof MachineMaker>;

/** A machine that no node has. */
export const UnownedMachine = Type.Object({
  provider: Type.String(),
  vm_type: Id,
  vm_id: Type.String(),
  ip: Type.String(),
  made: Type.Union([Count, Type.Null()]),
  /** Null: no node run of this system is known to have asked for it. */
  maker: Type.Union([MachineMaker, Type.Null()]),
});
export type UnownedMachine = Static<typeof UnownedMachine>;

/** A request for a machine whose answer is lost: there may be a machine. */
export const UnknownCreation = Type.Object({
  at: Count,
  ...MachineMaker.properties,
  step: Type.String(),
  attempt: Type.Integer({ minimum: 1 }),
  /** Number of the provider; null: not known. */
  vm_type: Type.Union([Id, Type.Null()]),
  reason: Type.String(),
});
export type UnknownCreation = Static<typeof UnknownCreation>;

/** What became of the list of one provider. */
export const ProviderLook = Type.Object({
  name: Type.String(),
  vm_type: Id,
  /** `listed`; `cannot_list`: it has no list of its machines; `failed`: it did not answer, see `reason`. */
  outcome: Type.Union([Type.Literal('listed'), Type.Literal('cannot_list'), Type.Literal('failed')]),
  machines: Count,
  unreadable: Count,
  more: Count,
  reason: Type.String(),
});
export type ProviderLook = Static<typeof ProviderLook>;

/** Machines of each list that are kept and shown; all are counted. */
export const MAX_SHOWN_MACHINES = 500;

/** The machines that no node had when they were looked for. */
export const OrphanResult = Type.Object({
  providers: Type.Array(ProviderLook),
  orphans: Count,
  being_made: Count,
  /** Up to `MAX_SHOWN_MACHINES`, oldest first. */
  nobodys: Type.Array(UnownedMachine),
  making: Type.Array(UnownedMachine),
});
export type OrphanResult = Static<typeof OrphanResult>;

export const orphans = {
  read: defineRpc('scheduler.orphans.read', {
    request: Type.Object({}),
    response: Type.Object({
      running: CheckRunning,
      last: CheckOutcome(OrphanResult),
      /** As the events have it now; newest first, up to `MAX_SHOWN_MACHINES`. */
      unknown: Type.Array(UnknownCreation),
      unknown_total: Count,
    }),
  }),
  /** Begins to look, and does not wait for the end. `begun` is false: one look is under way already. */
  check: defineRpc('scheduler.orphans.check', {
    request: Type.Object({}),
    response: Type.Object({ begun: Type.Boolean() }),
  }),
};
