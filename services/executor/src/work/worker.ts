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

/** Tries of a claim that no scheduler answers; after that, the scheduler offers the run again without being asked. */
const CLAIM_TRIES = 3;
/**
 * How long the executor tries to have the scheduler record where an attempt begins. After that, the attempt does not
 * begin.
 */
const PLACE_LIMIT_MS = 60_000;
/** Most waiting runs in one heartbeat, and most characters for each, so that a heartbeat stays small. */
const WAITING_NAMED = 200;
const WAITING_CHARACTERS = 300;
/** Most characters of the reason why an attempt begins in another folder. */
const WHY_CHARACTERS = 1_000;
const RETRY_MS = 300;
const RETRY_LONGEST_MS = 3_000;

type Claim = RpcResponse<typeof execution.claim>;
type Granted = Extract<Claim, { status: 'granted' }>;
type Claimed =
  | { claim: Granted; plan: TaskPlan }
  | { claim: Exclude<Claim, { status: 'granted' }>; plan?: never };

/** A run whose lease this executor has. */
interface ActiveRun {
  taskId: number;
  runId: number;
  lease: number;
  /** Identity of the task. */
  uuid: string;
  /** Aborted when another executor has the run, or this process ends: everything stays as it is. */
  abandon: AbortController;
  /** Aborted when the task was stopped: the command ends. */
  stop: AbortController;
  /** What the running attempt waits for. */
  waiting?: { what: string; since: number } | undefined;
}

/**
 * Works on offered runs: claims a run, follows the scheduler's instruction, reports each result, and follows the
 * instruction in the answer. The worker decides nothing and remembers nothing: the scheduler's events and the node hold
 * everything.
 */
export class Worker {
  private readonly active = new Map<number, ActiveRun>();
  /** Runs whose claim is not answered yet. */
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

  /** The leases that this executor works under, as heartbeats name them: [task id, run id, lease]. */
  leases(): [number, number, number][] {
    return [...this.active.values()].map(({ taskId, runId, lease }) => [taskId, runId, lease]);
  }

  /** The tasks of these leases, as heartbeats name them: [task id, uuid]. */
  tasks(): [number, string][] {
    const ids = new Map([...this.active.values()].map(({ taskId, uuid }) => [uuid, taskId]));
    return [...ids].map(([uuid, taskId]) => [taskId, uuid]);
  }

  /** Runs that wait for something, as heartbeats name them: [run id, what, since (ms since 1970)]. */
  waiting(): [number, string, number][] {
    const found: [number, string, number][] = [];
    for (const { runId, waiting } of this.active.values()) {
      if (!waiting) continue;
      if (found.length === WAITING_NAMED) break;
      found.push([runId, waiting.what.slice(0, WAITING_CHARACTERS), waiting.since]);
    }
    return found;
  }

  /** Takes a message of a scheduler about leases: the end of a lease, or the stop of its task. */
  control({ leases }: ExecutorControl): void {
    for (const { run_id, lease, why } of leases) {
      const run = this.active.get(run_id);
      if (!run || run.lease !== lease) continue;
      if (why === 'stop') run.stop.abort();
      else run.abandon.abort(new Error('the lease is over'));
    }
  }

  /** Claims an offered run. If the claim is granted, the work goes on in the background. */
  async take(offer: WorkOffer): Promise<void> {
    // A repeated offer of a run that this executor already works on.
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
      this.options.log.debug(
        { run: offer.run_id, reason: claimed.claim.reason },
        'a scheduler refused the claim of an offered run',
      );
      this.options.slots.release();
    } catch (error) {
      this.options.slots.release();
      throw error;
    } finally {
      this.claiming.delete(offer.run_id);
    }
  }

  /** Lets all commands run on without this executor, and hands the runs back to the scheduler. */
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
        return { claim, plan: same ? plan : await plans.getAgain(offer.task_id, context) };
      } catch (error) {
        if (error instanceof ServiceError && error.code === 'not_found') {
          return { claim: { status: 'refused', reason: error.message } };
        }
        if (!isUnavailable(error) || attempt === CLAIM_TRIES) throw error;
        await clock.sleep(RETRY_MS * attempt);
      }
    }
  }

  /** Claims a run. The first claim of a task also brings its plan, for that claim and all later ones. */
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
          log.info({ reason: String(run.abandon.signal.reason) }, 'the executor left a run to others');
        else
          log.error(
            { err: error },
            'work on a run failed unexpectedly; its lease will expire, and the scheduler will offer it again',
          );
      })
      .finally(() => {
        this.active.delete(run.runId);
        this.options.slots.release();
        this.running.delete(work);
      });
    this.running.add(work);
  }

  /** Works on one run, from its claim to its release. */
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
          // The node has a new address: connections to the old one are of no more use.
          for (const [other, elsewhere] of runners) {
            if (elsewhere === runner) continue;
            elsewhere.close(false);
            runners.delete(other);
          }
        }
        if (answer.status === 'refused') {
          log.warn(
            { reason: answer.reason },
            'the scheduler refused a report; the executor leaves the run to others',
          );
          return;
        }
        next = answer.next;
      }
      log.debug({ why: next.why }, 'the run is over for this executor');
    } finally {
      for (const runner of runners.values()) runner.close(next.do === 'release');
    }
  }

  /** Makes an attempt and its report a span in the trace of the request that created the task. */
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
                // While the attempt waits for the same thing, the time at which it began to wait stays.
                if (what === run.waiting?.what) return;
                run.waiting = what === undefined ? undefined : { what, since: this.options.clock.now() };
              },
            });
      }
      abandon.throwIfAborted();
      const output = await sender.finish();
      const type = plan.steps[step]?.capability;
      if (type) observeStep(type, report.result);
      // The task's log has the attempts that succeed; a line for each here would cost a busy executor 5 % of its time.
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

  /**
   * Has the scheduler record where an attempt begins.
   * @returns undefined once it is recorded; else why the attempt must not begin there, or why that is uncertain.
   */
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
        const reason = `no scheduler has recorded the folder: ${error.message}`;
        if (clock.now() + wait > until) return reason;
        log.warn(
          { reason, retry_ms: wait },
          'no scheduler has recorded yet where an attempt begins; the executor asks again',
        );
        await clock.sleep(wait, abandon);
      }
    }
  }

  /** Waits before a retried attempt. Ends early when the task is stopped; rejects when another executor has the run. */
  private async pause(ms: number, abandon: AbortSignal, stop: AbortSignal): Promise<void> {
    if (ms <= 0) return;
    await this.options.clock
      .sleep(ms, AbortSignal.any([abandon, stop]))
      .catch(() => abandon.throwIfAborted());
  }

  /** Reports until the scheduler answers: before that, only this process knows the result. */
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
        // The scheduler's database was restored to a time before the task was created: the task does not exist any
        // more.
        if (error instanceof ServiceError && error.code === 'not_found')
          return { status: 'refused', reason: error.message };
        if (!isUnavailable(error)) throw error;
        log.warn(
          { reason: (error as Error).message, retry_ms: wait },
          'no scheduler has taken the report of an attempt yet; the executor reports again',
        );
        await this.options.clock.sleep(wait, abandon);
      }
    }
  }
}

/** Keeps what an attempt learned about the node. @returns whether the node has another address now. */
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
