export { secretVariables } from '@rigel/secrets';
export type { Adapter, AdapterContext, SdAdapter, VmAdapter } from './adapter.js';
export { SD_ADAPTERS, VM_ADAPTERS } from './adapters.js';
export { listMachines } from './list-machines.js';
export type { CallOptions } from './provider-entry.js';
export { ProviderEntry } from './provider-entry.js';
export { ProviderError, type ProviderErrorKind } from './provider-error.js';
export {
  NO_PROVIDERS,
  type Providers,
  ProvidersFileError,
  type ReadOptions,
  readProvidersFile,
} from './providers-file.js';
export type { SdChange, SdChangeKind, SdProgress, SdProvider } from './sd-provider.js';
export type {
  CreatedMachine,
  ListedMachine,
  Machine,
  MachineState,
  ProviderCall,
  VmProvider,
} from './vm-provider.js';
