import type { Clock } from '@rigel/clock';
import {
  type Capability,
  type ExecutorControl,
  execution,
  type Instruction,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  type TaskPlan,
  type WorkOffer,
} from '@rigel/contracts';
import { type CallContext, traced } from '@rigel/messaging';
import type { Logger } from 'pino';
import { observeStep } from '../metrics.js';
import type { AttemptReport, ClaimedNode, ClaimedRun, StepRunner } from '../step-runner.js';
import { OutputSender } from './output-sender.js';
import type { Plans } from './plans.js';
import type { SchedulerCalls } from './scheduler-calls.js';
import type { Slots } from './slots.js';

/** Tries of a claim whose scheduler does not answer; after that the scheduler offers the run again by itself. */
const CLAIM_TRIES = 3;
/** How long it is tried to have recorded where an attempt begins; then it does not begin. */
const PLACE_LIMIT_MS = 60_000;
/** Waiting runs that a heartbeat tells of, and the characters of each: a heartbeat stays small. */
const WAITING_TOLD = 200;
const WAITING_CHARACTERS = 300;
/** Of why an attempt begins in another folder. */
const WHY_CHARACTERS = 1_000;
const RETRY_MS = 300;
const RETRY_LONGEST_MS = 3_000;

type Claim = RpcResponse<typeof execution.claim>;
type Granted = Extract<Claim, { status: 'granted' }>;
type Claimed =
  | { claim: Granted; plan: TaskPlan }
  | { claim: Exclude<Claim, { status: 'granted' }>; plan?: never };

/** A run that this executor has the lease of. */
interface ActiveRun {
  taskId: number;
  runId: number;
  lease: number;
  /** Identity of the task. */
  uuid: string;
  /** Somebody else has the run, or the process ends: leave everything as it is. */
  abandon: AbortController;
  /** The task was stopped: end the command. */
  stop: AbortController;
  /** What the attempt under way stands still at. */
  waiting?: { what: string; since: number } | undefined;
}

/**
 * Works on offered runs: claims one, does what it is told, reports each outcome, and lets the answer tell it what comes
 * next. It decides nothing by itself and remembers nothing: what it knows is in the scheduler's events and on the node.
 */
export class Worker {
  private readonly active = new Map<number, ActiveRun>();
  /** Runs whose claim is under way. */
  private readonly claiming = new Set<number>();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly options: {
      executor: string;
      key: string;
      capabilities: Capability[];
      scheduler: SchedulerCalls;
      clock: Clock;
      plans: Plans;
      slots: Slots;
      createRunner: (capability: Capability, claimed: ClaimedRun, log: Logger) => StepRunner;
      log: Logger;
    },
  ) {}

  /** The leases that are worked on, as heartbeats name them. */
  leases(): [number, number, number][] {
    return [...this.active.values()].map(({ taskId, runId, lease }) => [taskId, runId, lease]);
  }

  /** The tasks of these leases, as heartbeats name them: [task id, uuid]. */
  tasks(): [number, string][] {
    const ids = new Map([...this.active.values()].map(({ taskId, uuid }) => [uuid, taskId]));
    return [...ids].map(([uuid, taskId]) => [taskId, uuid]);
  }

  /** Runs that stand still at something, as heartbeats name them: [run id, what, since when]. */
  waiting(): [number, string, number][] {
    const found: [number, string, number][] = [];
    for (const { runId, waiting } of this.active.values()) {
      if (!waiting) continue;
      if (found.length === WAITING_TOLD) break;
      found.push([runId, waiting.what.slice(0, WAITING_CHARACTERS), waiting.since]);
    }
    return found;
  }

  /** What the scheduler says of leases. */
  control({ leases }: ExecutorControl): void {
    for (const { run_id, lease, why } of leases) {
      const run = this.active.get(run_id);
      if (!run || run.lease !== lease) continue;
      if (why === 'stop') run.stop.abort();
      else run.abandon.abort(new Error('the lease is over'));
    }
  }

  /** Claims an offered run and, where it is granted, goes on with it in the background. */
  async take(offer: WorkOffer): Promise<void> {
    // A repeated offer of what is being done here already.
    if (this.active.has(offer.run_id) || this.claiming.has(offer.run_id)) return;
    this.claiming.add(offer.run_id);
    this.options.slots.take();
    const context: CallContext = { correlationId: `run-${offer.run_id}`, actor: this.options.executor };
    try {
      const claimed = await this.claim(offer, context);
      if (claimed.plan) {
        this.begin(offer, claimed.claim, claimed.plan);
        return;
      }
      this.options.log.debug({ run: offer.run_id, reason: claimed.claim.reason }, 'offer refused');
      this.options.slots.release();
    } catch (error) {
      this.options.slots.release();
      throw error;
    } finally {
      this.claiming.delete(offer.run_id);
    }
  }

  /** Leaves all commands to themselves and gives the runs back. */
  async drain(): Promise<void> {
    const runs = [...this.active.values()];
    for (const { abandon } of runs) abandon.abort(new Error('the executor ends'));
    await Promise.allSettled(this.running);
    await Promise.allSettled(
      runs.map(({ taskId, runId, lease, uuid }) =>
        this.options.scheduler.call(
          execution.handBack,
          { task_id: taskId, run_id: runId, lease, key: this.options.key, uuid },
          { correlationId: `run-${runId}`, actor: this.options.executor },
        ),
      ),
    );
  }

  private async claim(offer: WorkOffer, context: CallContext): Promise<Claimed> {
    const { plans, clock } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        const claim = await this.claimWithPlan(offer, context);
        if (claim.status !== 'granted') return { claim };
        const plan = await plans.get(offer.task_id, context);
        const same = claim.uuid === undefined || claim.uuid === plan.uuid;
        return { claim, plan: same ? plan : await plans.getAnew(offer.task_id, context) };
      } catch (error) {
        if (error instanceof ServiceError && error.code === 'not_found') {
          return { claim: { status: 'refused', reason: error.message } };
        }
        if (!isUnavailable(error) || attempt === CLAIM_TRIES) throw error;
        await clock.sleep(RETRY_MS * attempt);
      }
    }
  }

  /** Claims a run; the first claim of a task brings its plan, for all that are made with it or after it. */
  private async claimWithPlan(offer: WorkOffer, context: CallContext): Promise<Claim> {
    const { scheduler, plans, executor, key, capabilities } = this.options;
    const keepPlan = plans.comesWithClaim(offer.task_id);
    const request = { ...offer, executor, key, capabilities, knows_places: true };
    if (!keepPlan) return scheduler.call(execution.claim, request, context);
    let plan: TaskPlan | undefined;
    try {
      const claim = await scheduler.call(execution.claim, { ...request, plan: true }, context);
      plan = claim.plan;
      return claim;
    } finally {
      keepPlan(plan);
    }
  }

  private begin(offer: WorkOffer, claim: Granted, plan: TaskPlan): void {
    const run: ActiveRun = {
      taskId: offer.task_id,
      runId: offer.run_id,
      lease: claim.lease,
      uuid: plan.uuid,
      abandon: new AbortController(),
      stop: new AbortController(),
    };
    this.active.set(run.runId, run);
    const log = this.options.log.child({
      task: run.taskId,
      run: run.runId,
      node: claim.node.ip,
      correlation_id: plan.correlation_id,
    });
    const work = this.work(run, claim, plan, log)
      .catch((error: unknown) => {
        if (run.abandon.signal.aborted)
          log.info({ reason: String(run.abandon.signal.reason) }, 'run left to others');
        else
          log.error(
            { err: error },
            'a run failed unexpectedly; its lease will expire and it is offered again',
          );
      })
      .finally(() => {
        this.active.delete(run.runId);
        this.options.slots.release();
        this.running.delete(work);
      });
    this.running.add(work);
  }

  /** One run from its claim to its release. */
  private async work(run: ActiveRun, claim: Granted, plan: TaskPlan, log: Logger): Promise<void> {
    let next: Instruction = claim.next;
    const { ip, vm_id, host_key } = claim.node;
    const node: ClaimedNode = { ip, vmId: vm_id, hostKey: host_key };
    const runners = new Map<Capability, StepRunner>();
    try {
      while (next.do !== 'release') {
        const capability = plan.steps[next.step]?.capability;
        if (!capability) throw new Error(`the plan has no step ${next.step}`);
        let runner = runners.get(capability);
        if (!runner) {
          runner = this.options.createRunner(capability, { runId: run.runId, plan, node }, log);
          runners.set(capability, runner);
        }
        const { answer, report } = await this.tracedInstruction(run, next, runner, plan, log);
        if (learn(node, report)) {
          // What connected to the old address has nothing more to do there.
          for (const [other, elsewhere] of runners) {
            if (elsewhere === runner) continue;
            elsewhere.close(false);
            runners.delete(other);
          }
        }
        if (answer.status === 'refused') {
          log.warn({ reason: answer.reason }, 'a report was refused, the run is left to others');
          return;
        }
        next = answer.next;
      }
      log.debug({ why: next.why }, 'run released');
    } finally {
      for (const runner of runners.values()) runner.close(next.do === 'release');
    }
  }

  /** An attempt and its report are a span of the trace of the request that made the task. */
  private tracedInstruction(
    ...[run, instruction, runner, plan, log]: Parameters<Worker['doInstruction']>
  ): ReturnType<Worker['doInstruction']> {
    const work = () => this.doInstruction(run, instruction, runner, plan, log);
    if (plan.traceparent === undefined) return work();
    const { step, attempt } = instruction;
    const span = {
      parent: plan.traceparent,
      kind: 'consumer' as const,
      attributes: {
        'rigel.task': run.taskId,
        'rigel.run': run.runId,
        'rigel.step': step,
        'rigel.attempt': attempt,
      },
    };
    return traced(`step ${plan.steps[step]?.name}`, span, work);
  }

  private async doInstruction(
    run: ActiveRun,
    instruction: Exclude<Instruction, { do: 'release' }>,
    runner: StepRunner,
    plan: TaskPlan,
    log: Logger,
  ): Promise<{ answer: RpcResponse<typeof execution.report>; report: AttemptReport }> {
    const { step, attempt } = instruction;
    const { taskId: task_id, runId: run_id, lease, uuid } = run;
    const leased = { task_id, run_id, lease, key: this.options.key, uuid, step, attempt };
    const context = { correlationId: plan.correlation_id, actor: this.options.executor };
    const abandon = run.abandon.signal;
    const sender = new OutputSender(this.options.scheduler, leased, context, this.options.clock);
    try {
      let report: AttemptReport;
      if (instruction.do === 'stop') {
        report = await runner.stop(instruction, abandon);
      } else {
        await this.pause(instruction.delay_ms, abandon, run.stop.signal);
        report = run.stop.signal.aborted
          ? await runner.stop(
              { do: 'stop', step, attempt, ...(instruction.folders && { folders: instruction.folders }) },
              abandon,
              instruction.begun,
            )
          : await runner.run(instruction, (...piece) => sender.add(...piece), {
              abandon,
              stop: run.stop.signal,
              onPlace: (placement, why) =>
                this.place(
                  { ...leased, placement, why: why.slice(0, WHY_CHARACTERS) },
                  context,
                  abandon,
                  log,
                ),
              onWait: (what) => {
                // The same thing keeps the time at which it began.
                if (what === run.waiting?.what) return;
                run.waiting = what === undefined ? undefined : { what, since: this.options.clock.now() };
              },
            });
      }
      abandon.throwIfAborted();
      const output = await sender.finish();
      const type = plan.steps[step]?.capability;
      if (type) observeStep(type, report.result);
      // What succeeds stands in the task's log; a line for each would be a twentieth of what a busy executor does.
      const level = report.result.status === 'succeeded' ? 'debug' : 'info';
      log[level]({ step: plan.steps[step]?.name, attempt, ...report.result }, 'attempt ended');
      const answer = await this.report(
        {
          ...leased,
          result: report.result,
          capabilities: this.options.capabilities,
          ...(output ? { output } : {}),
          ...(report.hostKey === undefined ? {} : { host_key: report.hostKey }),
        },
        context,
        abandon,
        log,
      );
      return { answer, report };
    } finally {
      run.waiting = undefined;
      sender.abandon();
    }
  }

  /** Has it recorded where an attempt begins. @returns why that must not be, or could not be made sure of. */
  private async place(
    request: RpcRequest<typeof execution.place>,
    context: CallContext,
    abandon: AbortSignal,
    log: Logger,
  ): Promise<string | undefined> {
    const { clock, scheduler } = this.options;
    const until = clock.now() + PLACE_LIMIT_MS;
    for (let wait = RETRY_MS; ; wait = Math.min(wait * 2, RETRY_LONGEST_MS)) {
      try {
        const answer = await scheduler.call(execution.place, request, context);
        abandon.throwIfAborted();
        return answer.status === 'accepted' ? undefined : answer.reason;
      } catch (error) {
        abandon.throwIfAborted();
        if (!(error instanceof ServiceError)) throw error;
        if (!isUnavailable(error)) return error.message;
        const reason = `no scheduler has recorded it: ${error.message}`;
        if (clock.now() + wait > until) return reason;
        log.warn({ reason, retry_ms: wait }, 'where an attempt begins could not be recorded yet');
        await clock.sleep(wait, abandon);
      }
    }
  }

  /** Waits before a retried attempt; ends early when the task is stopped, and rejects when the run is left to others. */
  private async pause(ms: number, abandon: AbortSignal, stop: AbortSignal): Promise<void> {
    if (ms <= 0) return;
    await this.options.clock
      .sleep(ms, AbortSignal.any([abandon, stop]))
      .catch(() => abandon.throwIfAborted());
  }

  /** Reports until there is an answer: the outcome is only kept here until the scheduler has it. */
  private async report(
    report: RpcRequest<typeof execution.report>,
    context: CallContext,
    abandon: AbortSignal,
    log: Logger,
  ): Promise<RpcResponse<typeof execution.report>> {
    for (let wait = RETRY_MS; ; wait = Math.min(wait * 2, RETRY_LONGEST_MS)) {
      try {
        return await this.options.scheduler.call(execution.report, report, context);
      } catch (error) {
        // The scheduler's database was restored to a moment before the task: there is nobody to report to.
        if (error instanceof ServiceError && error.code === 'not_found')
          return { status: 'refused', reason: error.message };
        if (!isUnavailable(error)) throw error;
        log.warn(
          { reason: (error as Error).message, retry_ms: wait },
          'the outcome could not be reported yet',
        );
        await this.options.clock.sleep(wait, abandon);
      }
    }
  }
}

/** Takes over what an attempt found out about the node. @returns whether it has another address now. */
function learn(node: ClaimedNode, { result, hostKey }: AttemptReport): boolean {
  if (hostKey !== undefined) node.hostKey = hostKey;
  if (!result.machine) return false;
  const moved = result.machine.ip !== '' && result.machine.ip !== node.ip;
  node.vmId = result.machine.vm_id;
  if (moved) node.ip = result.machine.ip;
  return moved;
}

function isUnavailable(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'unavailable';
}
