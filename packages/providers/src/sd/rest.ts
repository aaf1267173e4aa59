import type { SecretReference } from '@rigel/secrets';
import { Type } from 'typebox';
import { sdAdapter } from '../adapter.js';
import { ProviderError } from '../provider-error.js';
import { callRest } from '../rest-call.js';
import { restSettings } from '../rest-settings.js';
import type { SdChange, SdChangeKind, SdProgress, SdProvider } from '../sd-provider.js';
import { readSecret } from '../secrets.js';
import type { ProviderCall } from '../vm-provider.js';
import { hostOf } from './target.js';

interface Settings {
  url: string;
  app_key?: SecretReference;
  type_id?: number;
  user: string;
}

const PATHS: Record<SdChangeKind, string> = { register: 'add', unregister: 'remove' };
/** The ticket of a change that was done when the service answered. */
const DONE = 'done';
const RUNNING = 1;
const SUCCESS = 2;

/** A discovery service as `docs/providers.md` describes it. */
class RestSdProvider implements SdProvider {
  constructor(
    private readonly settings: Settings,
    private readonly typeId: number,
  ) {}

  register(address: string, call: ProviderCall): Promise<SdChange> {
    return this.change('register', address, call);
  }

  unregister(address: string, call: ProviderCall): Promise<SdChange> {
    return this.change('unregister', address, call);
  }

  async progress({ address, ticket }: SdChange, { signal }: ProviderCall): Promise<SdProgress> {
    if (ticket === DONE) return { state: 'done' };
    const { data } = await callRest({
      method: 'GET',
      url: this.url('check_state'),
      headers: await this.headers(ticket),
      signal,
    });
    const { state, detail } = (data ?? {}) as { state?: unknown; detail?: unknown };
    const rows = Array.isArray(detail) ? (detail as { ip?: unknown; state?: unknown }[]) : [];
    const own = rows.find((row) => row?.ip === hostOf(address))?.state ?? state;
    if (own === SUCCESS) return { state: 'done' };
    if (own === RUNNING || own === 0 || own === undefined)
      return { state: 'pending', what: 'the discovery service to finish the change' };
    return { state: 'failed', reason: `the discovery service failed (state ${String(own)})` };
  }

  private async change(kind: SdChangeKind, address: string, call: ProviderCall): Promise<SdChange> {
    const { data } = await callRest({
      method: 'POST',
      url: this.url(PATHS[kind]),
      headers: await this.headers(call.correlationId),
      body: { type_id: this.typeId, ips: hostOf(address), user: this.settings.user },
      signal: call.signal,
    });
    const type = (data as { type?: unknown } | null)?.type;
    if (type !== 'sync' && type !== 'async')
      throw new ProviderError('unknown', 'the discovery service answered neither sync nor async');
    // The service finds an asynchronous change by the correlation id of its request.
    return { kind, address, ticket: type === 'sync' ? DONE : call.correlationId };
  }

  private url(path: string): string {
    return `${this.settings.url.replace(/\/$/, '')}/v1/adaptor/auto_alteration/${path}/`;
  }

  private async headers(correlationId: string): Promise<Record<string, string>> {
    const { app_key } = this.settings;
    return {
      'X-CORRELATION-ID': correlationId,
      ...(app_key === undefined ? {} : { APPKEY: await readSecret(app_key) }),
    };
  }
}

export const restSdAdapter = sdAdapter({
  settings: Type.Object({
    ...restSettings,
    /** Number of the service's own configuration. Default: the number of the entry. */
    type_id: Type.Optional(Type.Integer({ minimum: 1 })),
    /** The user name that the service gets. */
    user: Type.String({ minLength: 1, default: 'root' }),
  }),
  create: (settings, { id }) => new RestSdProvider(settings, settings.type_id ?? id),
});
