/** What accompanies every call to a provider. */
export interface ProviderCall {
  /** Aborted when the time of the call is up, or its result is of no more use; the call then rejects soon. */
  signal: AbortSignal;
  /** Names the attempt that makes the call, for the provider's own logs. */
  correlationId: string;
}

/**
 * The state of a machine at its provider:
 * - `pending`: it is being made;
 * - `ready`: it is there, though its SSH server may not answer yet;
 * - `failed`: it will never be usable, `reason` says why;
 * - `gone`: the provider knows no such machine, or is deleting it.
 */
export type MachineState = 'pending' | 'ready' | 'failed' | 'gone';

/** A machine as its provider knows it. */
export interface Machine {
  vmId: string;
  /** Address for SSH as the inventory writes it, with a port if it is not the usual one; empty = no address yet. */
  ip: string;
  state: MachineState;
  /** Why it failed; empty when it did not. */
  reason: string;
  /** Its SSH host key, `ssh-ed25519 AAAA…`, if the provider knows it: the first connection must then show this key. */
  hostKey?: string;
}

/** A machine in the list of all machines of a provider. */
export interface ListedMachine extends Machine {
  /** The token that it was made for, if the provider keeps tokens. */
  token?: string;
  /** When it was made, in milliseconds since 1970, if the provider says. */
  madeAt?: number;
}

/** A machine that was made by a `create`. */
export interface CreatedMachine extends Machine {
  /** A remark for people, if the provider's answer was unusual. */
  note?: string;
  /** The provider made more machines than it was asked for, or may have: a person has to check. */
  surplus?: boolean;
}

/**
 * Makes and returns machines of one kind. Several executors may make any of the calls at once, and again after a crash.
 * The calls throw ProviderError for a failure at the provider, and the signal's reason when that is aborted.
 */
export interface VmProvider {
  /**
   * Whether `create` finds the machine that an earlier call with the same token made. If it does not, a `create` whose
   * answer was lost is never repeated: the node fails, and a person decides.
   */
  readonly remembersTokens: boolean;
  /**
   * Makes the machine of this token, or (with `remembersTokens`) finds it. Does not wait until the machine is ready.
   */
  create(token: string, call: ProviderCall): Promise<CreatedMachine>;
  /** The machine of this token, if it was made. Present exactly if `remembersTokens` is true. */
  find?(token: string, call: ProviderCall): Promise<Machine | undefined>;
  /** A machine that the provider does not know is `gone`. */
  describe(vmId: string, call: ProviderCall): Promise<Machine>;
  /** Gives a machine back. One that is gone already counts as returned. */
  return(vmId: string, call: ProviderCall): Promise<void>;
  /** All existing machines that Rigel made here, if the provider can tell. */
  list?(call: ProviderCall): Promise<ListedMachine[]>;
  /** Called once when an executor starts, to start the provider's own parts again. */
  resume?(call: ProviderCall): Promise<void>;
}
