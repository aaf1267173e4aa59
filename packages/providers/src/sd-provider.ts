import type { ProviderCall } from './vm-provider.js';

/** Puts a node into service, or takes it out of service. */
export type SdChangeKind = 'register' | 'unregister';

/** A change that has been asked for. */
export interface SdChange {
  kind: SdChangeKind;
  /** Address of the node as the inventory writes it. */
  address: string;
  /** Text by which the provider follows the change; only the provider reads it. */
  ticket: string;
}

/**
 * The progress of a change. `done` means that the provider was asked: after `register` the node gets requests; after
 * `unregister` it gets none, and its last requests have ended.
 */
export type SdProgress =
  | { state: 'done' }
  /** `what`: a text that says what the change waits for. */
  | { state: 'pending'; what: string }
  | { state: 'failed'; reason: string };

/**
 * Puts nodes into service and takes them out of it. A change that was made already may be requested again, by any
 * number of executors at once. Throws like a VmProvider.
 */
export interface SdProvider {
  register(address: string, call: ProviderCall): Promise<SdChange>;
  unregister(address: string, call: ProviderCall): Promise<SdChange>;
  progress(change: SdChange, call: ProviderCall): Promise<SdProgress>;
  /** Whether requests go to this node, if the provider can tell. */
  isRegistered?(address: string, call: ProviderCall): Promise<boolean>;
}
