import type { Clock } from '@rigel/clock';
import { NO_ADDRESS } from '@rigel/contracts';
import type { ProviderEntry, SdProgress, SdProvider } from '@rigel/providers';
import {
  type AttemptReport,
  type ClaimedRun,
  type OnOutput,
  plannedStep,
  type RunInstruction,
  type RunSignals,
  type StepRunner,
} from '../step-runner.js';
import { AttemptFailure, type Look, ProviderAttempt } from './provider-attempt.js';
import { providerOf } from './provider-of.js';

/**
 * Does register and unregister. Both may be repeated, so an attempt that another executor began is simply made again.
 */
export class SdRunner implements StepRunner {
  constructor(
    private readonly claimed: ClaimedRun,
    private readonly providers: ReadonlyMap<number, ProviderEntry<SdProvider>>,
    private readonly clock: Clock,
  ) {}

  async run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport> {
    const attempt = new ProviderAttempt(this.claimed, instruction, onOutput, signals, this.clock);
    return attempt.report(await attempt.settle(this.change(instruction, attempt)));
  }

  /** The load balancer makes a change that it was asked for in any case; there is nothing to end. */
  async stop(): Promise<AttemptReport> {
    const now = this.clock.now();
    return { result: { status: 'stopped', reason: '', started_at: now, finished_at: now } };
  }

  close(): void {}

  private async change(instruction: RunInstruction, attempt: ProviderAttempt): Promise<void> {
    const { plan, node } = this.claimed;
    const step = plannedStep(plan, instruction.step);
    const entry = providerOf(step, 'service_discovery_id', this.providers);
    const { ip } = node;
    if (ip === '' || ip === NO_ADDRESS) throw new AttemptFailure('the node has no address yet');
    const registers = step.name === 'register';
    attempt.say(`asking ${entry.name} to ${registers ? 'register' : 'unregister'} ${ip}`);
    const change = await attempt.call(entry, (provider, call) =>
      registers ? provider.register(ip, call) : provider.unregister(ip, call),
    );
    await attempt.callUntil(
      entry,
      (provider, call) => provider.progress(change, call),
      (progress) => isDone(progress, entry.name),
    );
    attempt.say(registers ? `${ip} is in service` : `${ip} is out of service, its last requests are done`);
  }
}

function isDone(progress: SdProgress, provider: string): Look<true> {
  switch (progress.state) {
    case 'done':
      return { done: true };
    case 'pending':
      return { waiting: `${provider}: ${progress.what}` };
    case 'failed':
      return { failed: `${provider}: ${progress.reason}` };
  }
}
