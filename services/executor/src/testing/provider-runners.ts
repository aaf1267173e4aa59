import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@rigel/clock';
import type { TaskPlan } from '@rigel/contracts';
import {
  generateSshKey,
  type SshKeyPair,
  type SshServer,
  startSshServer,
} from '@rigel/providers/local-machines';
import { CloudServer, readEntries } from '@rigel/providers/testing';
import { silentLogger } from '@rigel/testing';
import { SdRunner } from '../providers/sd-runner.js';
import { VmRunner } from '../providers/vm-runner.js';
import { type SshSettings, sshAccess } from '../ssh/node-access.js';
import type { AttemptReport, ClaimedNode, ClaimedRun, RunInstruction, StepRunner } from '../step-runner.js';
import { toRun } from './ssh-runs.js';

const hostKey = generateSshKey();
// A process that a test starts uses the key of the test.
const clientKey: SshKeyPair = process.env.TEST_CLIENT_KEY
  ? JSON.parse(process.env.TEST_CLIENT_KEY)
  : generateSshKey();
process.env.TEST_CLIENT_KEY = JSON.stringify(clientKey);

export const sshSettings: SshSettings = {
  connection: {
    user: 'test',
    privateKey: clientKey.private,
    hostKeyPolicy: 'accept-new',
    connectTimeoutMs: 5_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  },
  defaultPort: 22,
  outputLimitBytes: 100_000,
  connectRetryMs: 0,
};

/** The host key of the machines of `startCloud`. */
export const machineHostKey = hostKey.public;

/** A cloud whose machines really answer by SSH, all at one address. */
export interface Cloud {
  server: CloudServer;
  url: string;
  ssh: SshServer;
  /** Where the machines answer. */
  address: string;
  stop(): Promise<void>;
}

export async function startCloud(): Promise<Cloud> {
  const home = await mkdtemp(join(tmpdir(), 'rigel-cloud-'));
  const ssh = await startSshServer({
    host: '127.0.0.1',
    port: 0,
    hostKey: hostKey.private,
    authorizedKey: clientKey.public,
    env: { HOME: home },
  });
  const address = `127.0.0.1:${ssh.port}`;
  const server = new CloudServer(() => address);
  const url = await server.start();
  return {
    server,
    url,
    ssh,
    address,
    stop: async () => {
      await server.stop();
      ssh.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export type StepName = 'create_vm' | 'return_vm' | 'register' | 'unregister';

/** One attempt and its report. */
export interface Tried {
  report: AttemptReport;
  /** The lines of the node log. */
  output: string;
}

/** A claimed run of one step, as an executor has it after its claim. */
export class RunUnderTest {
  readonly runner: StepRunner;
  readonly node: ClaimedNode;
  private output = '';

  constructor(
    readonly step: StepName,
    entries: unknown,
    options: { node?: Partial<ClaimedNode>; runId?: number; id?: unknown; ssh?: SshSettings } = {},
  ) {
    this.node = { ip: '-', vmId: '', hostKey: null, ...options.node };
    const { ssh = sshSettings, runId = 7, id = 1 } = options;
    const sd = step === 'register' || step === 'unregister';
    const plan: TaskPlan = {
      task_id: 1,
      uuid: 'test-uuid',
      correlation_id: 'test',
      steps: [
        {
          name: step,
          kind: sd ? 'sd' : 'vm',
          capability: sd ? 'sd' : 'vm',
          param_values: { [sd ? 'service_discovery_id' : 'vm_type_id']: id },
          retry: { retry_times: 0, ignore_error: false },
          actions: [],
          timeout_ms: 60_000,
        },
      ],
    };
    const claimed: ClaimedRun = { runId, plan, node: this.node };
    const providers = readEntries(entries, { ssh: { connection: ssh.connection, defaultPort: 22 } });
    this.runner = sd
      ? new SdRunner(claimed, providers.sd, systemClock)
      : new VmRunner(claimed, providers.vm, { access: sshAccess, settings: ssh }, systemClock, silentLogger);
  }

  async run(
    instruction: Partial<RunInstruction> = {},
    signals: { stop?: AbortSignal; abandon?: AbortSignal } = {},
  ): Promise<Tried> {
    const never = new AbortController().signal;
    const report = await this.runner.run(
      toRun(instruction),
      (_, data) => {
        this.output += data.toString();
      },
      { stop: signals.stop ?? never, abandon: signals.abandon ?? never },
    );
    return { report, output: this.output };
  }

  /** The lines of the node log so far. */
  get log(): string {
    return this.output;
  }
}
