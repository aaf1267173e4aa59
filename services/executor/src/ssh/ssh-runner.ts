import type { Clock } from '@rigel/clock';
import type { AttemptSpec } from '@rigel/remote-attempt';
import type { Logger } from 'pino';
import type { MachineGone } from '../providers/machine-gone.js';
import type { PreparedStep, StepSecrets } from '../secrets/step-secrets.js';
import {
  type AttemptReport,
  type ClaimedRun,
  type KeptOutput,
  type OnOutput,
  plannedStep,
  type RunInstruction,
  type RunSignals,
  type StepRunner,
  type StopInstruction,
  type UntimedResult,
} from '../step-runner.js';
import { type AttemptSink, AttemptWatch } from './attempt-watch.js';
import type { NodeAccess, SshSettings } from './node-access.js';
import { RunNode, STOP_LIMIT_MS } from './run-node.js';
import { stepEnvironment } from './step-environment.js';

/**
 * Runs the steps of one node over one SSH connection. When the connection breaks, the runner opens it again and finds
 * the attempt again on the node. Only when the attempt's time is up without an answer is the outcome unknown, which
 * counts as failed.
 */
export class SshRunner implements StepRunner {
  private readonly node: RunNode;

  constructor(
    private readonly claimed: ClaimedRun,
    settings: SshSettings,
    access: NodeAccess,
    private readonly clock: Clock,
    private readonly secrets: StepSecrets,
    log: Logger,
    machineGone: MachineGone = async () => undefined,
  ) {
    this.node = new RunNode({ claimed, settings, access, clock, log, machineGone });
  }

  async run(instruction: RunInstruction, onOutput: OnOutput, signals: RunSignals): Promise<AttemptReport> {
    const startedAt = this.clock.now();
    const prepared = await this.secrets.prepare(plannedStep(this.claimed.plan, instruction.step));
    // An operator may have changed what made the last attempt fail: new groups of the user, say, count from the next
    // login.
    if (instruction.attempt > 1 && !instruction.begun) this.node.loginAgain();
    const ended: UntimedResult =
      prepared.missing !== undefined && !instruction.begun && this.node.isPreviousSettled(instruction)
        ? { status: 'failed', reason: prepared.missing, not_begun: true }
        : await this.watch(instruction, prepared, onOutput, signals);
    const result = this.withEarlier(instruction, ended);
    if (!result.may_run) this.node.settle(instruction);
    return this.report(startedAt, result);
  }

  async stop(instruction: StopInstruction, abandon: AbortSignal, begun = true): Promise<AttemptReport> {
    const startedAt = this.clock.now();
    const { node } = this;
    if (!begun && node.isPreviousSettled(instruction)) {
      return this.report(startedAt, { status: 'stopped', reason: '' });
    }
    const limit = instruction.again ? 0 : STOP_LIMIT_MS + node.graceMs(instruction.step);
    const unended = await node.stop(instruction, startedAt + limit, abandon);
    const result = { status: 'stopped' as const, reason: unended?.reason ?? node.gone ?? '' };
    return this.report(startedAt, unended ? { ...result, may_run: true } : result);
  }

  close(released: boolean): void {
    this.node.close(released);
  }

  /**
   * Adds what an attempt that did not begin leaves open: it has not ended the attempt before it, which may still run.
   */
  private withEarlier(instruction: RunInstruction, result: UntimedResult): UntimedResult {
    const begun = result.status === 'succeeded' || result.exit_code !== undefined;
    if (begun || result.may_run || !instruction.unsettled) return result;
    if (this.node.hasSettled(instruction.step, instruction.attempt - 1)) return { ...result, may_run: false };
    const reason = `${result.reason}; the command of an earlier attempt could not be ended and may still run`;
    return { ...result, may_run: true, reason };
  }

  /** Follows an attempt to its end. Output and reasons pass through the mask of the step's secrets. */
  private async watch(
    instruction: RunInstruction,
    prepared: PreparedStep,
    onOutput: OnOutput,
    signals: RunSignals,
  ): Promise<UntimedResult> {
    const spec = this.specOf(instruction, prepared);
    let kept: KeptOutput | undefined;
    const masked = prepared.output(instruction.output_from, (offset, data) => onOutput(offset, data, kept));
    const output: AttemptSink = {
      context: masked.context,
      push: (chunk) => {
        if (chunk.kept) kept = { head: chunk.kept.headBytes, tail: chunk.kept.tailBytes };
        masked.push(chunk);
      },
    };
    const watched = {
      ...signals,
      onWait: (what: string | undefined) => signals.onWait?.(what && prepared.reason(what)),
    };
    const { reboot, ready_wait } = plannedStep(this.claimed.plan, instruction.step);
    const readyWaitMs = reboot ? (ready_wait ?? Number.POSITIVE_INFINITY) * 1_000 : undefined;
    const result = await new AttemptWatch(
      this.node,
      spec,
      instruction,
      output,
      watched,
      readyWaitMs,
    ).result();
    masked.end();
    const reason = prepared.reason(result.reason);
    if (prepared.missing === undefined || result.status !== 'failed') return { ...result, reason };
    return { ...result, reason: `${prepared.missing}; ${reason}` };
  }

  private specOf({ step, attempt }: RunInstruction, { actions }: PreparedStep): AttemptSpec {
    const { node } = this;
    const earlier = Array.from({ length: Math.max(0, attempt - 2) }, (_, i) =>
      node.keyOf(step, attempt - 2 - i),
    );
    return {
      key: node.keyOf(step, attempt),
      actions,
      env: stepEnvironment(this.claimed.plan, this.claimed.node.ip),
      ...(plannedStep(this.claimed.plan, step).reboot ? { restartsNode: true } : {}),
      ...(attempt > 1 ? { previousKey: node.keyOf(step, attempt - 1) } : {}),
      ...(earlier.length > 0 ? { earlierKeys: earlier } : {}),
    };
  }

  private report(startedAt: number, result: UntimedResult): AttemptReport {
    const hostKey = this.node.takeLearnedHostKey();
    return {
      result: { ...result, started_at: startedAt, finished_at: this.clock.now() },
      ...(hostKey === undefined ? {} : { hostKey }),
    };
  }
}
