import type { Clock } from '@rigel/clock';
import { NO_ADDRESS, type TaskPlan } from '@rigel/contracts';
import { type Machine, type ProviderEntry, ProviderError, type VmProvider } from '@rigel/providers';
import { ConnectFailure } from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import { messageOf } from '../message-of.js';
import type { NodeAccess, SshSettings } from '../ssh/node-access.js';
import { parseNodeAddress } from '../ssh/node-address.js';
import {
  type AttemptReport,
  type ClaimedRun,
  type OnOutput,
  plannedStep,
  type RunInstruction,
  type RunSignals,
  type StepRunner,
  type StopInstruction,
  type UntimedResult,
} from '../step-runner.js';
import { AttemptFailure, type Look, ProviderAttempt } from './provider-attempt.js';
import { providerOf } from './provider-of.js';

type Step = TaskPlan['steps'][number];
type VmEntry = ProviderEntry<VmProvider>;

const UNKNOWN =
  'it is unknown whether the provider made a machine: its answer to the request is lost, and it cannot be asked by name; ' +
  'look for the machine there (rigel orphans)';
/** How long the executor asks a provider about a machine of a run that is stopped. */
const STOP_LIMIT_MS = 60_000;

/** Does create_vm and return_vm. */
export class VmRunner implements StepRunner {
  /** An earlier attempt here may have made a machine whose id is lost: another one would be one too many. */
  private unknownMachine = false;

  constructor(
    private readonly claimed: ClaimedRun,
    private readonly providers: ReadonlyMap<number, VmEntry>,
    private readonly ssh: { access: Pick<NodeAccess, 'connect'>; settings: SshSettings },
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  async run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport> {
    const attempt = new ProviderAttempt(this.claimed, instruction, onOutput, signals, this.clock);
    const step = plannedStep(this.claimed.plan, instruction.step);
    if (step.name === 'return_vm') return attempt.report(await attempt.settle(this.giveBack(step, attempt)));
    return this.create(step, instruction, attempt);
  }

  /** Runs nothing, but finds out about the machine that an attempt has made, so that its id is recorded. */
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
    const found = await attempt.settle(
      this.findMade(plannedStep(this.claimed.plan, instruction.step), begun, attempt),
    );
    const { result } = attempt.report(found, found.ok ? recordOf(found.value) : undefined);
    return { result: { ...result, status: 'stopped' } };
  }

  close(): void {}

  /** The same for every attempt of the run, so that none makes a second machine. */
  private get token(): string {
    return `${this.claimed.plan.uuid}-r${this.claimed.runId}`;
  }

  /**
   * Makes the machine, waits for its address, then for its SSH server. However far that gets, the report names the
   * machine.
   */
  private async create(
    step: Step,
    instruction: RunInstruction,
    attempt: ProviderAttempt,
  ): Promise<AttemptReport> {
    const made = await attempt.settle(this.made(step, instruction, attempt));
    if (!made.ok) {
      const report = attempt.report(made, recordOf(this.nodeMachine()));
      if (report.result.unknown_machine) this.unknownMachine = true;
      return report;
    }
    const { entry, surplus } = made.value;
    const addressed = await attempt.settle(this.withAddress(entry, made.value.machine, attempt));
    const machine = addressed.ok ? addressed.value : made.value.machine;
    const answering = addressed.ok ? await attempt.settle(this.answering(machine, attempt)) : addressed;
    const report = attempt.report(answering, recordOf(machine));
    if (surplus) report.result.unknown_machine = true;
    return answering.ok && this.claimed.node.hostKey === null
      ? { ...report, hostKey: answering.value }
      : report;
  }

  /** The machine that the node has already. */
  private nodeMachine(): Machine | undefined {
    const { vmId, ip } = this.claimed.node;
    return vmId === '' ? undefined : { vmId, ip: addressOf(ip), state: 'pending', reason: '' };
  }

  /** The machine of this run: the one that the node has, or the one that the provider makes. */
  private async made(
    step: Step,
    instruction: RunInstruction,
    attempt: ProviderAttempt,
  ): Promise<{ entry: VmEntry; machine: Machine; surplus: boolean }> {
    const entry = providerOf(step, 'vm_type_id', this.providers);
    const existing = this.nodeMachine();
    if (existing) {
      attempt.say(`the node already has machine ${existing.vmId} of ${entry.name}: no other is made`);
      return { entry, machine: existing, surplus: false };
    }
    const { remembersTokens } = entry.provider;
    if (!remembersTokens && (instruction.begun || this.unknownMachine))
      throw new AttemptFailure(`${entry.name}: ${UNKNOWN}`, true);
    attempt.say(`asking ${entry.name} for a machine, as ${this.token}`);
    try {
      // The id of a machine that the provider makes must not be lost, so the answer is awaited even when the task is
      // stopped.
      const machine = await attempt.call(entry, (provider, call) => provider.create(this.token, call), {
        repeatable: remembersTokens,
        finish: true,
      });
      // In the executor's log at once: if the executor is killed before its report, a person finds the machine there.
      this.log.info(
        { vm_id: machine.vmId, ip: machine.ip, provider: entry.name },
        'the provider made a machine',
      );
      attempt.say(`the machine is ${machine.vmId}${machine.ip ? ` at ${machine.ip}` : ''}`);
      if (machine.note) attempt.say(machine.note);
      return { entry, machine, surplus: machine.surplus ?? false };
    } catch (error) {
      const lost = !remembersTokens && !(error instanceof ProviderError && error.kind !== 'unknown');
      if (!lost || isWaitEnded(error, attempt)) throw error;
      throw new AttemptFailure(`${entry.name}: ${messageOf(error)}; ${UNKNOWN}`, true);
    }
  }

  private async withAddress(entry: VmEntry, made: Machine, attempt: ProviderAttempt): Promise<Machine> {
    if (made.state === 'ready' && made.ip !== '') return made;
    const machine = await attempt.callUntil(
      entry,
      (provider, call) => provider.describe(made.vmId, call),
      hasAddress,
    );
    if (machine.ip !== made.ip) attempt.say(`machine ${machine.vmId} has the address ${machine.ip}`);
    return machine;
  }

  /** Waits until the machine's SSH server accepts the executor's login. @returns its host key. */
  private async answering(machine: Machine, attempt: ProviderAttempt): Promise<string> {
    const { access, settings } = this.ssh;
    const target = parseNodeAddress(machine.ip, settings.defaultPort);
    const pinned = this.claimed.node.hostKey ?? machine.hostKey;
    const hostKey = await attempt.until<string>(async () => {
      try {
        const connection = await access.connect(
          { ...target, ...(pinned === undefined ? {} : { pinnedHostKey: pinned }) },
          settings.connection,
          attempt.signal,
        );
        connection.close();
        return { done: connection.hostKey };
      } catch (error) {
        attempt.signal.throwIfAborted();
        if (!(error instanceof ConnectFailure)) throw error;
        // A machine may refuse the login key while it is set up, but a wrong host key does not become right.
        if (error.isHostKey) return { failed: error.message };
        return { waiting: `SSH of machine ${machine.vmId}: ${error.message}` };
      }
    });
    attempt.say(`machine ${machine.vmId} answers by SSH at ${machine.ip}`);
    return hostKey;
  }

  private async giveBack(step: Step, attempt: ProviderAttempt): Promise<void> {
    const entry = providerOf(step, 'vm_type_id', this.providers);
    const { vmId } = this.claimed.node;
    if (vmId === '')
      throw new AttemptFailure(
        'the node has no machine of a provider (it was entered by hand): take it out of the pool with remove_nodes',
      );
    attempt.say(`returning machine ${vmId} to ${entry.name}`);
    await attempt.call(entry, (provider, call) => provider.return(vmId, call));
    await attempt.callUntil(
      entry,
      (provider, call) => provider.describe(vmId, call),
      ({ state }): Look<true> =>
        state === 'gone' ? { done: true } : { waiting: `machine ${vmId} to be gone` },
    );
    attempt.say(`machine ${vmId} is gone`);
  }

  /**
   * The machine that an attempt of this run has made, when the run is stopped; undefined if there is none to look for.
   */
  private async findMade(step: Step, begun: boolean, attempt: ProviderAttempt): Promise<Machine | undefined> {
    if (step.name === 'return_vm' || this.claimed.node.vmId !== '') return undefined;
    const entry = providerOf(step, 'vm_type_id', this.providers);
    if (entry.provider.remembersTokens)
      return attempt.call(entry, async (provider, call) => provider.find?.(this.token, call));
    if (begun) throw new AttemptFailure(UNKNOWN, true);
    return undefined;
  }
}

function hasAddress(machine: Machine): Look<Machine> {
  const { vmId, ip, state, reason } = machine;
  if (state === 'failed') return { failed: `machine ${vmId}: ${reason}` };
  if (state === 'ready' && ip !== '') return { done: machine };
  const missing = {
    pending: 'to be ready',
    ready: 'to have an address',
    gone: 'to be known to the provider',
  };
  return { waiting: `machine ${vmId} ${missing[state]}` };
}

/** A machine as an attempt's result has it. */
function recordOf(machine: Machine | undefined): UntimedResult['machine'] {
  return machine && { vm_id: machine.vmId, ip: machine.ip };
}

/**
 * Whether the attempt ended while it waited for its turn, or between two calls: then the provider was not being asked.
 */
function isWaitEnded(error: unknown, attempt: ProviderAttempt): boolean {
  return attempt.signal.aborted && error === attempt.signal.reason;
}

/** Empty while the node waits for its machine. */
function addressOf(ip: string): string {
  return ip === NO_ADDRESS ? '' : ip;
}
