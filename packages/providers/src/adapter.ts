import type { ConnectionSettings } from '@rigel/remote-attempt';
import type { Static, TObject } from 'typebox';
import type { SdProvider } from './sd-provider.js';
import type { VmProvider } from './vm-provider.js';

/** What an adapter gets in addition to its own entry of the configuration. */
export interface AdapterContext {
  /** How the executor logs in to nodes; undefined in the command line, which does not log in. */
  ssh: { connection: ConnectionSettings; defaultPort: number } | undefined;
  /** Number of the entry, which is the `vm_type` or `sd_id` of pools. */
  id: number;
}

/** A kind of provider: the shape of its configuration, and a function that makes it and makes no call. */
export interface Adapter<Provider, Settings extends TObject = TObject> {
  /** Keys of an entry, in addition to those of every entry. */
  settings: Settings;
  create(settings: Static<Settings>, context: AdapterContext): Provider;
}

export type VmAdapter<S extends TObject = TObject> = Adapter<VmProvider, S>;
export type SdAdapter<S extends TObject = TObject> = Adapter<SdProvider, S>;

/** Checks the types of an adapter in its own file, because a list of adapters does not know their settings. */
export function vmAdapter<S extends TObject>(adapter: VmAdapter<S>): VmAdapter {
  return adapter as unknown as VmAdapter;
}

/** As `vmAdapter`. */
export function sdAdapter<S extends TObject>(adapter: SdAdapter<S>): SdAdapter {
  return adapter as unknown as SdAdapter;
}
