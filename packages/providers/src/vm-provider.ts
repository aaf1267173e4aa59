/** What accompanies every call to a provider. */
export interface ProviderCall {
  /** Aborted when the time of the call is up or its result is not wanted any more; the call then rejects soon. */
  signal: AbortSignal;
  /** Names the attempt that the call is made for, for the provider's own logs. */
  correlationId: string;
}

/**
 * What a machine is at its provider:
 * - `pending`: it is being made;
 * - `ready`: it is there, though its SSH server may not answer yet;
 * - `failed`: it will never be usable, `reason` says why;
 * - `gone`: the provider knows no such machine, or is deleting it.
 */
export type MachineState = 'pending' | 'ready' | 'failed' | 'gone';

/** A machine as its provider knows it. */
export interface Machine {
  vmId: string;
  /** Address for SSH as the inventory writes it, with a port where it is not the usual one; empty = it has none yet. */
  ip: string;
  state: MachineState;
  /** Why it failed; empty when it did not. */
  reason: string;
  /** Its SSH host key, `ssh-ed25519 AAAA…`, where the provider knows it: the first connection must then show this one. */
  hostKey?: string;
}

/** A machine among all of a provider. */
export interface ListedMachine extends Machine {
  /** The token that it was made for, where the provider keeps it. */
  token?: string;
}

/** A machine that was made by a `create`. */
export interface CreatedMachine extends Machine {
  /** For people: what was unusual about the provider's answer. */
  note?: string;
  /** The provider made more machines than asked for, or may have: a person has to look. */
  surplus?: boolean;
}

/**
 * Makes and returns machines of one kind. All calls may be made by several executors at once, and again after a crash.
 * They throw ProviderError for what goes wrong at the provider, and the signal's reason when that is aborted.
 */
export interface VmProvider {
  /**
   * Whether `create` finds the machine that an earlier call with the same token made. Where it does not, a `create`
   * whose answer was lost is never repeated: the node fails, and a person decides.
   */
  readonly remembersTokens: boolean;
  /** Makes the machine of this token, or (with `remembersTokens`) finds it. Does not wait until it can be used. */
  create(token: string, call: ProviderCall): Promise<CreatedMachine>;
  /** The machine of this token, if it was made. Present exactly where `remembersTokens`. */
  find?(token: string, call: ProviderCall): Promise<Machine | undefined>;
  /** A machine that the provider does not know is `gone`. */
  describe(vmId: string, call: ProviderCall): Promise<Machine>;
  /** Gives a machine back. One that is gone already counts as returned. */
  return(vmId: string, call: ProviderCall): Promise<void>;
  /** All machines that Rigel made here and that are still there, where the provider can tell. */
  list?(call: ProviderCall): Promise<ListedMachine[]>;
  /** Called once when an executor starts, for what the provider keeps up by itself. */
  resume?(call: ProviderCall): Promise<void>;
}
