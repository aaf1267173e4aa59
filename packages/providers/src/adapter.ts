import type { ConnectionSettings } from '@rigel/remote-attempt';
import type { Static, TObject } from 'typebox';
import type { SdProvider } from './sd-provider.js';
import type { VmProvider } from './vm-provider.js';

/** What an adapter is given besides its own entry of the configuration. */
export interface AdapterContext {
  /** How the executor logs in to nodes; undefined where nobody logs in (the command line). */
  ssh: { connection: ConnectionSettings; defaultPort: number } | undefined;
  /** Number of the entry, which is the `vm_type` or `sd_id` of pools. */
  id: number;
}

/** A kind of provider: the shape of its configuration, and how it is made from that. Makes no call by itself. */
export interface Adapter<Provider, Settings extends TObject = TObject> {
  /** Keys of an entry besides those that every entry has. */
  settings: Settings;
  create(settings: Static<Settings>, context: AdapterContext): Provider;
}

export type VmAdapter<S extends TObject = TObject> = Adapter<VmProvider, S>;
export type SdAdapter<S extends TObject = TObject> = Adapter<SdProvider, S>;

/** Checks an adapter's types where it is written; lists of adapters do not know the settings of each. */
export function vmAdapter<S extends TObject>(adapter: VmAdapter<S>): VmAdapter {
  return adapter as unknown as VmAdapter;
}

/** As `vmAdapter`. */
export function sdAdapter<S extends TObject>(adapter: SdAdapter<S>): SdAdapter {
  return adapter as unknown as SdAdapter;
}
