import type { Clock } from '@rigel/clock';
import { NO_ADDRESS, type TaskPlan } from '@rigel/contracts';
import {
  type CreatedMachine,
  type Machine,
  type ProviderEntry,
  ProviderError,
  type VmProvider,
} from '@rigel/providers';
import { ConnectFailure } from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import { parseNodeAddress } from './node-address.js';
import { AttemptFailure, messageOf, ProviderAttempt } from './provider-attempt.js';
import { providerOf } from './provider-of.js';
import type { NodeAccess, SshSettings } from './ssh-runner.js';
import type {
  AttemptReport,
  ClaimedRun,
  OnOutput,
  RunInstruction,
  RunSignals,
  StepRunner,
  StopInstruction,
} from './step-runner.js';

const UNKNOWN =
  'whether a machine was made is unknown: the provider was asked, its answer is lost, and it cannot be asked by name; ' +
  'look for the machine there (rigel orphans)';
/** How long a provider is asked about a machine of a run that is stopped. */
const STOP_LIMIT_MS = 60_000;

/** Does create_vm and return_vm. */
export class VmRunner implements StepRunner {
  /** An earlier attempt here may have made a machine that nobody knows: another one would be one too many. */
  private unknownMachine = false;
  private hostKey: string | undefined;

  constructor(
    private readonly claimed: ClaimedRun,
    private readonly providers: ReadonlyMap<number, ProviderEntry<VmProvider>>,
    private readonly ssh: { access: Pick<NodeAccess, 'connect'>; settings: SshSettings },
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  async run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport> {
    const attempt = new ProviderAttempt(this.claimed, instruction, onOutput, signals, this.clock);
    const step = this.stepOf(instruction.step);
    const { node } = this.claimed;
    let machine: Machine | undefined;
    let surplus = false;
    this.hostKey = undefined;
    const report = await attempt.report(
      async () => {
        const entry = providerOf(step, 'vm_type_id', this.providers);
        if (step.name === 'return_vm') {
          await this.giveBack(entry, attempt);
          return;
        }
        machine = await this.made(entry, instruction, attempt, (found) => {
          machine = found;
          surplus = found.surplus ?? false;
        });
        machine = await this.withAddress(entry, machine, attempt);
        await this.answering(machine, attempt);
      },
      () => {
        if (step.name === 'return_vm') return undefined;
        if (machine) return { vm_id: machine.vmId, ip: machine.ip };
        return node.vmId === '' ? undefined : { vm_id: node.vmId, ip: addressOf(node.ip) };
      },
    );
    if (surplus) report.result.unknown_machine = true;
    else if (report.result.unknown_machine) this.unknownMachine = true;
    return this.hostKey !== undefined && node.hostKey === null
      ? { ...report, hostKey: this.hostKey }
      : report;
  }

  /** Nothing runs, but a machine that somebody's attempt has made is to be known. */
  async stop(instruction: StopInstruction, abandon: AbortSignal, begun = true): Promise<AttemptReport> {
    const now: RunInstruction = {
      ...instruction,
      do: 'run',
      delay_ms: 0,
      timeout_ms: STOP_LIMIT_MS,
      begun: true,
      output_from: 0,
    };
    const attempt = new ProviderAttempt(
      this.claimed,
      now,
      () => undefined,
      { abandon, stop: new AbortController().signal },
      this.clock,
    );
    const step = this.stepOf(instruction.step);
    const { node } = this.claimed;
    let machine: Machine | undefined;
    const { result } = await attempt.report(
      async () => {
        if (step.name === 'return_vm' || node.vmId !== '') return;
        const entry = providerOf(step, 'vm_type_id', this.providers);
        if (!entry.provider.remembersTokens) {
          if (begun) throw new AttemptFailure(UNKNOWN, true);
          return;
        }
        machine = await attempt.call(entry, async (provider, call) => provider.find?.(this.token, call));
      },
      () => machine && { vm_id: machine.vmId, ip: machine.ip },
    );
    return { result: { ...result, status: 'stopped' } };
  }

  close(): void {}

  /** The same for every attempt of the run, so that none makes a second machine. */
  private get token(): string {
    return `${this.claimed.plan.uuid}-r${this.claimed.runId}`;
  }

  private stepOf(step: number): TaskPlan['steps'][number] {
    const { plan } = this.claimed;
    const planned = plan.steps[step];
    if (!planned) throw new Error(`the plan of task ${plan.task_id} has no step ${step}`);
    return planned;
  }

  /** The machine of this run: the one the node has, or the one that the provider makes. */
  private async made(
    entry: ProviderEntry<VmProvider>,
    instruction: RunInstruction,
    attempt: ProviderAttempt,
    found: (machine: CreatedMachine) => void,
  ): Promise<Machine> {
    const { node } = this.claimed;
    if (node.vmId !== '') {
      attempt.say(`the node has machine ${node.vmId} of ${entry.name} already: none is made`);
      return { vmId: node.vmId, ip: addressOf(node.ip), state: 'pending', reason: '' };
    }
    const { remembersTokens } = entry.provider;
    if (!remembersTokens && (instruction.begun || this.unknownMachine))
      throw new AttemptFailure(`${entry.name}: ${UNKNOWN}`, true);
    attempt.say(`asking ${entry.name} for a machine, as ${this.token}`);
    try {
      // A machine that is being made is to be known, so the answer is waited for even when the task is stopped.
      const machine = await attempt.call(entry, (provider, call) => provider.create(this.token, call), {
        repeatable: remembersTokens,
        finish: true,
      });
      found(machine);
      // In the executor's log at once: should it be killed before its report, a person finds the machine there.
      this.log.info(
        { vm_id: machine.vmId, ip: machine.ip, provider: entry.name },
        'the provider made a machine',
      );
      attempt.say(`the machine is ${machine.vmId}${machine.ip ? ` at ${machine.ip}` : ''}`);
      if (machine.note) attempt.say(machine.note);
      return machine;
    } catch (error) {
      const lost = !remembersTokens && !(error instanceof ProviderError && error.kind !== 'unknown');
      if (!lost || isWaitEnded(error, attempt)) throw error;
      throw new AttemptFailure(`${entry.name}: ${messageOf(error)}; ${UNKNOWN}`, true);
    }
  }

  private async withAddress(
    entry: ProviderEntry<VmProvider>,
    made: Machine,
    attempt: ProviderAttempt,
  ): Promise<Machine> {
    if (made.state === 'ready' && made.ip !== '') return made;
    const machine = await attempt.until(async () => {
      const now = await attempt.call(entry, (provider, call) => provider.describe(made.vmId, call));
      if (now.state === 'failed') throw new AttemptFailure(`machine ${made.vmId}: ${now.reason}`);
      if (now.state === 'ready' && now.ip !== '') return now;
      const missing = {
        pending: 'to be ready',
        ready: 'to have an address',
        gone: 'to be known to the provider',
      };
      attempt.waitFor(`machine ${made.vmId} ${missing[now.state]}`);
      return undefined;
    });
    if (machine.ip !== made.ip) attempt.say(`machine ${machine.vmId} has the address ${machine.ip}`);
    return machine;
  }

  /** Waits until the machine's SSH server lets us in; its host key is then known. */
  private async answering(machine: Machine, attempt: ProviderAttempt): Promise<void> {
    const { access, settings } = this.ssh;
    const target = parseNodeAddress(machine.ip, settings.defaultPort);
    const pinned = this.claimed.node.hostKey ?? machine.hostKey;
    await attempt.until(async () => {
      try {
        const connection = await access.connect(
          { ...target, ...(pinned === undefined ? {} : { pinnedHostKey: pinned }) },
          settings.connection,
          attempt.signal,
        );
        this.hostKey = connection.hostKey;
        connection.close();
        return true;
      } catch (error) {
        attempt.signal.throwIfAborted();
        if (!(error instanceof ConnectFailure)) throw error;
        // A key is refused while a machine is being set up, but a wrong host key does not become right.
        if (error.isHostKey) throw new AttemptFailure(error.message);
        attempt.waitFor(`SSH of machine ${machine.vmId}: ${error.message}`);
        return undefined;
      }
    });
    attempt.say(`machine ${machine.vmId} answers by SSH at ${machine.ip}`);
  }

  private async giveBack(entry: ProviderEntry<VmProvider>, attempt: ProviderAttempt): Promise<void> {
    const { vmId } = this.claimed.node;
    if (vmId === '')
      throw new AttemptFailure(
        'the node has no machine of a provider (it was entered by hand): take it out of the pool with remove_nodes',
      );
    attempt.say(`returning machine ${vmId} to ${entry.name}`);
    await attempt.call(entry, (provider, call) => provider.return(vmId, call));
    await attempt.until(async () => {
      const { state } = await attempt.call(entry, (provider, call) => provider.describe(vmId, call));
      if (state === 'gone') return true;
      attempt.waitFor(`machine ${vmId} to be gone`);
      return undefined;
    });
    attempt.say(`machine ${vmId} is gone`);
  }
}

/** The attempt ended while it waited for its turn, or between two calls: the provider was not being asked. */
function isWaitEnded(error: unknown, attempt: ProviderAttempt): boolean {
  return attempt.signal.aborted && error === attempt.signal.reason;
}

/** Empty while the node waits for its machine. */
function addressOf(ip: string): string {
  return ip === NO_ADDRESS ? '' : ip;
}
