import { isAbsolute } from 'node:path';
import { type ConnectionSettings, publicKeyOf } from '@rigel/remote-attempt';
import { Type } from 'typebox';
import { vmAdapter } from '../adapter.js';
import { LocalMachines } from '../local-machines/local-machines.js';
import { type LocalMachine, MachineReturned } from '../local-machines/state-folder.js';
import { ProviderError } from '../provider-error.js';
import type { ListedMachine, Machine, ProviderCall, VmProvider } from '../vm-provider.js';

/** Throwaway machines on the computer of the executor, see LocalMachines. */
class LocalVmProvider implements VmProvider {
  readonly remembersTokens = true;

  constructor(
    private readonly machines: LocalMachines,
    /** The executor's private key; machines accept its public half. */
    private readonly privateKey: ConnectionSettings['privateKey'] | undefined,
  ) {}

  async create(token: string, { signal }: ProviderCall): Promise<Machine> {
    try {
      return machineOf(await this.machines.create(token, await this.authorizedKey(), signal));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof MachineReturned) throw new ProviderError('refused', error.message);
      throw error;
    }
  }

  async find(token: string): Promise<Machine | undefined> {
    const machine = await this.machines.find(token);
    return machine && machineOf(machine);
  }

  async describe(vmId: string, { signal }: ProviderCall): Promise<Machine> {
    const machine = await this.machines.describe(vmId, signal);
    return machine ? machineOf(machine) : { vmId, ip: '', state: 'gone', reason: '' };
  }

  async return(vmId: string, { signal }: ProviderCall): Promise<void> {
    await this.machines.return(vmId, signal);
  }

  async list(): Promise<ListedMachine[]> {
    const machines = await this.machines.list();
    return Promise.all(
      machines.map(async (machine) => {
        const madeAt = await this.machines.madeAt(machine.vmId);
        return { ...machineOf(machine), token: machine.token, ...(madeAt === undefined ? {} : { madeAt }) };
      }),
    );
  }

  async resume({ signal }: ProviderCall): Promise<void> {
    await this.machines.resume(signal);
  }

  private async authorizedKey(): Promise<string> {
    const { privateKey } = this;
    if (privateKey === undefined || privateKey === '')
      throw new ProviderError(
        'refused',
        'there is no SSH key that a machine could accept: set RIGEL_SSH_KEY_FILE',
      );
    try {
      return publicKeyOf(typeof privateKey === 'function' ? await privateKey() : privateKey);
    } catch (error) {
      throw new ProviderError('refused', `the SSH private key cannot be used: ${(error as Error).message}`);
    }
  }
}

function machineOf({ vmId, address, hostKey }: LocalMachine): Machine {
  return { vmId, ip: address, state: 'ready', reason: '', hostKey };
}

export const localAdapter = vmAdapter({
  settings: Type.Object({
    /** Folder of the machines; the same for all executors on this computer. */
    folder: Type.String({ minLength: 1 }),
  }),
  create: ({ folder }, { ssh }) => {
    if (!isAbsolute(folder)) throw new Error(`folder = ${folder} must be an absolute path`);
    return new LocalVmProvider(new LocalMachines(folder), ssh?.connection.privateKey);
  },
});
