import type { SecretReference } from '@rigel/secrets';
import { Type } from 'typebox';
import { vmAdapter } from '../adapter.js';
import { ProviderError } from '../provider-error.js';
import { callRest } from '../rest-call.js';
import { restSettings } from '../rest-settings.js';
import { readSecret } from '../secrets.js';
import type { CreatedMachine, Machine, MachineState, ProviderCall, VmProvider } from '../vm-provider.js';

interface Settings {
  url: string;
  app_key?: SecretReference;
  vm_type_id?: number;
}

/** The meaning of the service's `status`; with any other number, the machine is being made. */
const STATES: Readonly<Record<number, { state: MachineState; reason: string }>> = {
  1: { state: 'ready', reason: '' },
  2: { state: 'failed', reason: 'not initialised (status 2)' },
  4: { state: 'failed', reason: 'initialising took too long (status 4)' },
  5: { state: 'gone', reason: '' },
  6: { state: 'gone', reason: '' },
  7: { state: 'failed', reason: 'initialising failed (status 7)' },
};

/**
 * A VM service as `docs/providers.md` describes it. A request to it has no name, so a lost answer stays unknown.
 */
class RestVmProvider implements VmProvider {
  readonly remembersTokens = false;

  constructor(
    private readonly settings: Settings,
    private readonly vmTypeId: number,
  ) {}

  async create(_token: string, { signal, correlationId }: ProviderCall): Promise<CreatedMachine> {
    const answer = await callRest({
      method: 'POST',
      url: this.url(`cluster/${this.vmTypeId}/expand/1`),
      headers: await this.headers(correlationId),
      signal,
    });
    const { content } = answer;
    if (content !== null && !Array.isArray(content))
      throw new ProviderError('unknown', 'the answer to the creation has no list of machines');
    const ids = [
      ...new Set((content ?? []).filter((id): id is string => typeof id === 'string' && id !== '')),
    ];
    const [vmId, ...more] = ids;
    if (vmId === undefined) throw new ProviderError('refused', 'the service delivered no machine');
    const machine = { vmId, ip: '', state: 'pending' as const, reason: '' };
    if (more.length === 0) return machine;
    return {
      ...machine,
      note: `the service delivered ${ids.length} machines for 1; not used: ${more.join(', ')}`,
      surplus: true,
    };
  }

  async describe(vmId: string, { signal, correlationId }: ProviderCall): Promise<Machine> {
    const answer = await callRest({
      method: 'GET',
      url: this.url(`instance/status/${encodeURIComponent(vmId)}`),
      headers: await this.headers(correlationId),
      signal,
    });
    const rows = Array.isArray(answer.content) ? (answer.content as Record<string, unknown>[]) : [];
    // A machine may be in the list twice; the row with an address is better.
    const own = rows.filter((row) => row?.instance_id === vmId);
    const row = own.find(({ ip_address }) => typeof ip_address === 'string' && ip_address !== '') ?? own[0];
    if (!row) return { vmId, ip: '', state: 'gone', reason: '' };
    const { state, reason } = STATES[Number(row.status)] ?? { state: 'pending' as const, reason: '' };
    return { vmId, ip: typeof row.ip_address === 'string' ? row.ip_address : '', state, reason };
  }

  async return(vmId: string, call: ProviderCall): Promise<void> {
    try {
      await callRest({
        method: 'DELETE',
        url: this.url(`instance/${encodeURIComponent(vmId)}`),
        headers: await this.headers(call.correlationId),
        signal: call.signal,
      });
    } catch (error) {
      if (!(error instanceof ProviderError) || error.kind !== 'refused') throw error;
      // The contract does not say how the service answers when a machine is deleted twice.
      if ((await this.describe(vmId, call)).state !== 'gone') throw error;
    }
  }

  private url(path: string): string {
    return `${this.settings.url.replace(/\/$/, '')}/v1/${path}`;
  }

  private async headers(correlationId: string): Promise<Record<string, string>> {
    const { app_key } = this.settings;
    return {
      'X-CORRELATION-ID': correlationId,
      ...(app_key === undefined ? {} : { APPKEY: await readSecret(app_key) }),
    };
  }
}

export const restVmAdapter = vmAdapter({
  settings: Type.Object({
    ...restSettings,
    /** Number of the machine type at the service. Default: the number of the entry. */
    vm_type_id: Type.Optional(Type.Integer({ minimum: 1 })),
  }),
  create: (settings, { id }) => new RestVmProvider(settings, settings.vm_type_id ?? id),
});
