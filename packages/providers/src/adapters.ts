import type { SdAdapter, VmAdapter } from './adapter.js';
import { haproxyAdapter } from './sd/haproxy.js';
import { nginxAdapter } from './sd/nginx.js';
import { restSdAdapter } from './sd/rest.js';
import { localAdapter } from './vm/local.js';
import { restVmAdapter } from './vm/rest.js';

/** Every adapter by its name in the configuration. A new adapter is a new file and a line here. */
export const VM_ADAPTERS: Readonly<Record<string, VmAdapter>> = { local: localAdapter, rest: restVmAdapter };
export const SD_ADAPTERS: Readonly<Record<string, SdAdapter>> = {
  nginx: nginxAdapter,
  haproxy: haproxyAdapter,
  rest: restSdAdapter,
};
