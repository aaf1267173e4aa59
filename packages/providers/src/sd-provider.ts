import type { ProviderCall } from './vm-provider.js';

/** Into service, or out of it. */
export type SdChangeKind = 'register' | 'unregister';

/** A change that has been asked for. */
export interface SdChange {
  kind: SdChangeKind;
  /** Address of the node as the inventory writes it. */
  address: string;
  /** What the provider needs to follow the change; its own affair. */
  ticket: string;
}

/**
 * How far a change has come. `done` means verified at the provider: after `register` the node gets requests, after
 * `unregister` it gets none and those under way have ended.
 */
export type SdProgress =
  | { state: 'done' }
  /** `what`: what is waited for, for people. */
  | { state: 'pending'; what: string }
  | { state: 'failed'; reason: string };

/**
 * Puts nodes into service and takes them out of it. A change that was made already may be asked for again, by any number
 * of executors at once. Throws as a VmProvider does.
 */
export interface SdProvider {
  register(address: string, call: ProviderCall): Promise<SdChange>;
  unregister(address: string, call: ProviderCall): Promise<SdChange>;
  progress(change: SdChange, call: ProviderCall): Promise<SdProgress>;
  /** Whether requests go to this node, where the provider can tell. */
  isRegistered?(address: string, call: ProviderCall): Promise<boolean>;
}
