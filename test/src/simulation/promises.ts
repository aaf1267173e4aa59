import { isDeepStrictEqual } from 'node:util';
import type { execution, RpcRequest } from '@rigel/contracts';
import type { RecordedEvent } from '@rigel/event-store';
import {
  evolve,
  hasEnded,
  heldNodes,
  type Run,
  runRows,
  type TaskEvent,
  type TaskState,
  taskRow,
} from '@rigel/scheduler';
import type { SimulatedDatabase } from './database.js';
import type { Attempt, AttemptId, SimulatedNode } from './nodes.js';

/** Phases of runs that a start finds at work. */
const AT_WORK: readonly string[] = ['ready', 'gated', 'leased', 'orphaned'];

/** A promise that was not kept. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What the checks keep of a run beside the folded state: its history as the events tell it, counted independently. */
interface RunLedger {
  lease: number;
  holder: string | null;
  /** Attempts whose outcome is recorded, as `step/attempt`, and the lease under which it was. */
  ended: Map<string, number>;
  step: number;
  /** Who was told to begin an attempt, or to go on with it, by a claim; by `step/attempt`. */
  told: Map<string, Set<string>>;
  /** When it was claimed last. */
  claimedAt: number;
  /** Attempts of which it is recorded that they may run on: their node stays held, and nothing else begins there. */
  released: Set<string>;
  /** Lease under which it is recorded that the node stays held. */
  heldBack: number;
}

type Envelope<T> = { d?: T };
type ClaimReply = { ok?: { status: string; lease?: number } };

const decode = (data: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(data));
const nameOf = ({ run, step, attempt }: AttemptId): string => `run ${run} step ${step} attempt ${attempt}`;

/**
 * The promises, looked at after every transaction, before every command that begins, and at every answer that is given.
 * The state is folded here once more, from copies of the committed events; what is said of leases and attempts is
 * counted without the code under test.
 */
export class Promises {
  /** The tasks as the committed events tell them. */
  readonly folded = new Map<number, TaskState>();
  private readonly ledgers = new Map<number, RunLedger>();
  /** Runs that may work since an operator chose which ones go on, by task; a task without an entry goes on with all. */
  private readonly chosen = new Map<number, ReadonlySet<number>>();
  private readonly taskOfRun = new Map<number, number>();
  private violation: Violation | undefined;

  constructor(
    private readonly database: () => SimulatedDatabase,
    private readonly nodes: ReadonlyMap<string, SimulatedNode>,
  ) {}

  /** Throws the first violation that was seen. */
  assertKept(): void {
    if (this.violation) throw this.violation;
  }

  get broken(): boolean {
    return this.violation !== undefined;
  }

  fail(message: string): void {
    this.violation ??= new Violation(message);
  }

  // ---- after each transaction

  onCommit(events: readonly RecordedEvent<TaskEvent>[]): void {
    const touched = new Set<number>();
    for (const event of events) {
      const taskId = Number(event.stream.slice('task-'.length));
      touched.add(taskId);
      try {
        this.follow(taskId, event);
      } catch (error) {
        this.fail(`the history of task ${taskId} cannot be folded at version ${event.version}: ${error}`);
        return;
      }
    }
    for (const taskId of touched) this.compareRows(taskId);
    this.checkHeld();
  }

  /** A node is held by the task of the command that is alive there, whatever is recorded of that. */
  private checkHeld(): void {
    const { holds } = this.database();
    for (const node of this.nodes.values()) {
      const id = Number(node.ip.split('.')[3]);
      for (const attempt of node.running) {
        if (holds.get(id)?.taskId !== this.taskOfRun.get(attempt.run))
          this.fail(`${nameOf(attempt)} is alive on ${node.ip}, and its task does not hold the node`);
      }
    }
  }

  /** What a command started to clean up is let do so for as long as the step has for it. */
  onDisturbed(attempt: Attempt): void {
    this.fail(`${nameOf(attempt)}: what it started to clean up was not left to do so`);
  }

  private follow(taskId: number, event: RecordedEvent<TaskEvent>): void {
    const { type, data } = JSON.parse(JSON.stringify(event)) as TaskEvent;
    const before = this.folded.get(taskId);
    if (event.version !== (before?.version ?? 0) + 1) {
      this.fail(`task ${taskId} has version ${event.version} after ${before?.version ?? 0}`);
    }
    if (before) this.checkEvent(before, { type, data } as TaskEvent);
    const state = evolve(before, { type, data } as TaskEvent, taskId, event.recordedAt);
    this.folded.set(taskId, state);
    if (!before) for (const { id } of state.runs) this.taskOfRun.set(id, taskId);
  }

  private ledger(task: TaskState, index: number): RunLedger {
    const id = task.created.firstRunId + index;
    let ledger = this.ledgers.get(id);
    if (!ledger) {
      ledger = {
        lease: 0,
        holder: null,
        ended: new Map(),
        step: 0,
        told: new Map(),
        claimedAt: 0,
        released: new Set(),
        heldBack: 0,
      };
      this.ledgers.set(id, ledger);
    }
    return ledger;
  }

  private checkEvent(task: TaskState, event: TaskEvent): void {
    switch (event.type) {
      case 'RunClaimed': {
        const run = this.ledger(task, event.data.run);
        if (run.holder !== null && run.holder !== event.data.executor) {
          this.fail(
            `task ${task.id} run ${event.data.run}: two holders, ${run.holder} and ${event.data.executor}`,
          );
        }
        if (event.data.lease !== run.lease + 1) {
          this.fail(`task ${task.id} run ${event.data.run}: lease ${event.data.lease} follows ${run.lease}`);
        }
        const chosen = this.chosen.get(task.id);
        if (chosen && !chosen.has(event.data.run) && task.runs[event.data.run]?.verdict === null)
          this.fail(`task ${task.id} run ${event.data.run} goes on, which its start did not choose`);
        run.lease = event.data.lease;
        run.claimedAt = this.database().now;
        run.holder = event.data.executor;
        const known = task.runs[event.data.run];
        const name = `${known?.step}/${known?.attempt}`;
        run.told.set(name, (run.told.get(name) ?? new Set()).add(event.data.executor));
        return;
      }
      case 'AttemptPlaced': {
        const { run: index, step, attempt } = event.data;
        const run = this.ledger(task, index);
        const others = [...(run.told.get(`${step}/${attempt}`) ?? [])].filter((name) => name !== run.holder);
        if (others.length > 0) {
          const id = { run: task.created.firstRunId + index, step, attempt };
          this.fail(`${nameOf(id)} is to begin in memory, and ${others.join(', ')} may begin it at home`);
        }
        return;
      }
      case 'LeaseExpired':
      case 'RunHandedBack': {
        const run = this.ledger(task, event.data.run);
        if (run.holder === null || run.lease !== event.data.lease) {
          this.fail(
            `task ${task.id} run ${event.data.run}: ${event.type} of lease ${event.data.lease}, which is over`,
          );
        }
        run.holder = null;
        if (event.type === 'RunHandedBack' && event.data.stillRuns) run.heldBack = event.data.lease;
        return;
      }
      case 'AttemptSucceeded':
      case 'AttemptFailed':
      case 'AttemptStopped':
        this.checkOutcome(task, event);
        return;
      case 'RunSucceeded':
      case 'RunFailed':
      case 'RunDeferred': {
        const run = this.ledger(task, event.data.run);
        run.holder = null;
        if (event.type === 'RunSucceeded' && run.step !== task.created.steps.length) {
          this.fail(`task ${task.id} run ${event.data.run}: success after ${run.step} steps`);
        }
        return;
      }
      case 'RunDrained':
        this.ledger(task, event.data.run).holder = null;
        return;
      case 'NodeReleased': {
        const run = this.ledger(task, event.data.run);
        run.holder = null;
        // The lease of the executor that was ending the command is over, so that no report under it counts as a repetition.
        run.lease++;
        return;
      }
      case 'RunsHalted':
        for (const index of event.data.runs) this.ledger(task, index).holder = null;
        return;
      case 'TaskStarted':
        this.choose(task, event.data);
        // A resume takes a run from the executor that is ending its command: it has nothing more to say.
        for (const index of event.data.runs ?? []) this.ledger(task, index).holder = null;
        return;
      case 'RunWaiting':
        this.ledger(task, event.data.run).holder = null;
        return;
      case 'GateOpened':
        this.checkGate(task);
        return;
      case 'TaskFinished':
        this.checkBudget(task);
        return;
      default:
    }
  }

  /** Of a start with a choice only the chosen runs go on, beside those that were at work. */
  private choose(
    { id, runs }: TaskState,
    { chosen, runs: opened }: { chosen?: true; runs: number[] | null },
  ): void {
    if (!chosen) {
      this.chosen.delete(id);
      return;
    }
    const atWork = runs.filter(({ phase }) => AT_WORK.includes(phase));
    this.chosen.set(id, new Set([...(opened ?? []), ...atWork.map(({ index }) => index)]));
  }

  /** A budget that is not exceeded lets every node have its turn. */
  private checkBudget(task: TaskState): void {
    const { failureBudget } = task;
    // An operator who has chosen which nodes go on has left the others out.
    if (failureBudget === null || task.status !== 'running' || this.chosen.has(task.id)) return;
    const left = task.runs.filter(({ verdict }) => verdict === null || verdict === 'stopped').length;
    if (left > 0)
      this.fail(
        `task ${task.id} ends with ${task.counts.failed} of ${failureBudget} failures and ${left} nodes left`,
      );
  }

  /** It opens when the nodes of the others have passed their step, in that task or in a later one. */
  private checkGate(task: TaskState): void {
    for (const { task: id, step, stepName } of task.created.gate?.waitsFor ?? []) {
      for (const run of this.folded.get(id)?.runs ?? []) {
        if (run.step > step || this.passedLater(run, stepName)) continue;
        this.fail(`task ${task.id} goes on, but run ${run.id} of task ${id} has not passed ${stepName}`);
      }
    }
  }

  private passedLater({ id, node }: Run, stepName: string): boolean {
    return [...this.folded.values()].some(({ created, runs }) =>
      runs.some(
        (run) =>
          run.node === node &&
          run.id > id &&
          created.steps.slice(0, run.step).some(({ name }) => name === stepName),
      ),
    );
  }

  private checkOutcome(
    task: TaskState,
    event: Extract<TaskEvent, { type: 'AttemptSucceeded' | 'AttemptFailed' | 'AttemptStopped' }>,
  ): void {
    const { run: index, step, attempt } = event.data;
    const id = { run: task.created.firstRunId + index, step, attempt };
    const ledger = this.ledger(task, index);
    const name = `${step}/${attempt}`;
    // What may run on is ended later, or is found again by a resume and cannot be ended then either: the record of that follows.
    const endedLater = event.type !== 'AttemptSucceeded' && ledger.released.has(name);
    if (ledger.ended.has(name) && !endedLater) this.fail(`${nameOf(id)}: a second outcome, ${event.type}`);
    ledger.ended.set(name, ledger.lease);
    if (ledger.holder === null) this.fail(`${nameOf(id)}: ${event.type}, but nobody holds the run`);
    if (step !== ledger.step)
      this.fail(`${nameOf(id)}: ${event.type}, but the run stands at step ${ledger.step}`);
    const onNode = this.attemptOnNode(id);
    if (event.type === 'AttemptSucceeded') {
      ledger.step++;
      const restarts = task.created.steps[step]?.reboot === true;
      if (restarts && onNode?.boot === onNode?.node.boots) {
        this.fail(`${nameOf(id)} is recorded as success; its node has not restarted`);
      } else if (onNode?.state === 'exited' && onNode.behaviour.exitCode === 0) this.checkOutput(onNode);
      else if (!restarts || onNode?.state !== 'lost') {
        this.fail(`${nameOf(id)} is recorded as success; on the node it is ${describe(onNode)}`);
      }
      return;
    }
    if (event.type === 'AttemptStopped') {
      if (onNode?.state === 'running' && !event.data.reason) {
        this.fail(`${nameOf(id)} is recorded as stopped and runs on`);
      }
      if (event.data.reason) ledger.released.add(name);
      return;
    }
    if (event.data.next === 'ignore') ledger.step++;
    if (event.data.mayRun) ledger.released.add(name);
    else if (onNode?.state === 'running') {
      this.fail(`${nameOf(id)} is recorded as failed (${event.data.reason}) while its command runs`);
    }
    const { reason } = event.data;
    const doubtful = /unknown|took longer|has not restarted|not come back/.test(reason);
    if (event.data.next === 'ignore' && onNode === undefined && !doubtful) {
      this.fail(`${nameOf(id)} is ignored, but nothing of it ran: ${reason}`);
    }
    const restarted = onNode?.restartsNode && onNode.boot !== onNode.node.boots;
    const told = onNode?.state === 'lost' || (onNode?.state === 'exited' && onNode.behaviour.exitCode === 0);
    if (event.data.next === 'retry' && restarted && told && !/took longer|has not restarted/.test(reason)) {
      this.fail(`${nameOf(id)} has restarted its node, which is to be restarted again: ${reason}`);
    }
    if (onNode?.state === 'exited' && onNode.behaviour.exitCode === 0 && !doubtful) {
      this.fail(`${nameOf(id)} succeeded on the node and is recorded as failed: ${event.data.reason}`);
    }
  }

  private checkOutput(attempt: Attempt): void {
    const stored = this.database().output(attempt.run, attempt.step, attempt.attempt);
    if (!stored.equals(attempt.output)) {
      this.fail(
        `${nameOf(attempt)}: of its ${attempt.output.length} bytes of output ${stored.length} are stored`,
      );
    }
  }

  private attemptOnNode({ run, step, attempt }: AttemptId): Attempt | undefined {
    for (const node of this.nodes.values()) {
      for (const known of [...node.attempts.values(), ...node.forgotten]) {
        if (known.run === run && known.step === step && known.attempt === attempt) return known;
      }
    }
    return undefined;
  }

  /** The read tables say the same as the events. */
  private compareRows(taskId: number): void {
    const task = this.folded.get(taskId);
    if (!task) return;
    const { tasks, runs, holds } = this.database();
    this.compare(`row of task ${taskId}`, taskRow(task), tasks.get(taskId));
    for (const row of runRows(task, task.runs.keys()))
      this.compare(`row of run ${row.id}`, row, runs.get(row.id));
    const expected = heldNodes(task);
    const held = [...holds].filter(([, hold]) => hold.taskId === taskId && hold.expiresAt === null);
    this.compare(
      `holds of task ${taskId}`,
      expected.sort(byNumber),
      held.map(([node]) => node).sort(byNumber),
    );
  }

  private compare(what: string, expected: object, actual: object | undefined): void {
    const plain = JSON.parse(JSON.stringify(expected));
    const fields = Array.isArray(plain) ? actual : pickFields(actual, Object.keys(plain));
    if (!isDeepStrictEqual(plain, fields)) {
      this.fail(`${what} is ${JSON.stringify(fields)}, by the events ${JSON.stringify(plain)}`);
    }
  }

  /** A replica's state in memory is what the events say, as long as neither is ahead. */
  compareLive(live: TaskState): void {
    const folded = this.folded.get(live.id);
    if (!folded || folded.version !== live.version) return;
    const [inMemory, byEvents] = [JSON.stringify(live), JSON.stringify(folded)];
    // The same words mean the same; others may be the same in another order.
    if (inMemory !== byEvents && !isDeepStrictEqual(JSON.parse(inMemory), JSON.parse(byEvents))) {
      this.fail(`task ${live.id} at version ${live.version} is not in memory what its events say`);
    }
  }

  /** While nothing has gone wrong since a moment: what a stop was said of to its executor before that has ended. */
  compareStopped(since: number): void {
    for (const node of this.nodes.values()) {
      for (const attempt of node.running) {
        const taskId = this.taskOfRun.get(attempt.run);
        const task = taskId === undefined ? undefined : this.folded.get(taskId);
        const ledger = this.ledgers.get(attempt.run);
        if (!task || !ledger || !hasEnded(task) || attempt.behaviour.withstandsMs > 0) continue;
        if (ledger.holder !== null && Math.max(ledger.claimedAt, task.updatedAt) < since) {
          this.fail(`${nameOf(attempt)} runs on although its task has ended and ${ledger.holder} was told`);
        }
      }
    }
  }

  // ---- before each command that begins

  onStart(attempt: Attempt): void {
    const taskId = this.taskOfRun.get(attempt.run);
    const task = taskId === undefined ? undefined : this.folded.get(taskId);
    const run = task?.runs[attempt.run - task.created.firstRunId];
    if (!task || !run) {
      this.fail(`${nameOf(attempt)} begins, and there is no such run`);
      return;
    }
    if (run.step < attempt.step || (run.step === attempt.step && run.attempt < attempt.attempt)) {
      this.fail(`${nameOf(attempt)} begins; recorded is only step ${run.step} attempt ${run.attempt}`);
    }
    if (attempt.node.forgotten.some(({ key }) => key === attempt.key)) {
      this.fail(`${nameOf(attempt)} begins a second time: the node has forgotten that it had begun`);
    }
    if (attempt.inMemory !== undefined && run.placed?.boot_id !== attempt.inMemory) {
      this.fail(`${nameOf(attempt)} begins in the memory of its node, and that is not recorded`);
    }
    for (const other of attempt.node.attempts.values()) {
      if (other === attempt) continue;
      if (other.state === 'running') {
        this.fail(`${nameOf(attempt)} begins while ${nameOf(other)} runs on the same node`);
      }
      const sameStep = other.run === attempt.run && other.step === attempt.step;
      if (sameStep && other.state === 'exited' && other.behaviour.exitCode === 0 && !this.isReleased(other)) {
        const known = this.ledger(task, run.index).ended.has(`${other.step}/${other.attempt}`);
        if (!known) this.fail(`${nameOf(attempt)} begins; ${nameOf(other)} has done the step`);
      }
    }
    this.checkWindow(task, attempt);
    // What others have passed once stays passed; so the gate needs no second look.
    const { gate } = task.created;
    if (gate && !task.gateOpen && attempt.step >= gate.before) {
      this.fail(`${nameOf(attempt)} begins although its task waits for others before step ${gate.before}`);
    }
  }

  /** Commands of one task run on the nodes of one batch at a time. */
  private checkWindow(task: TaskState, beginning: Attempt): void {
    const batches = new Set<number>();
    let count = 0;
    for (const node of this.nodes.values()) {
      for (const attempt of node.running) {
        const index = attempt.run - task.created.firstRunId;
        const run = task.runs[index];
        if (!run || this.isReleased(attempt)) continue;
        batches.add(run.batch);
        count++;
      }
    }
    if (batches.size > 1 || count > task.created.batchSize) {
      this.fail(
        `${nameOf(beginning)} begins: commands run on ${count} nodes in batches ${[...batches].join(', ')}, a batch has ${task.created.batchSize}`,
      );
    }
  }

  /** It is on record that the command may run on though its attempt has ended. */
  private isReleased(attempt: AttemptId): boolean {
    const ledger = this.ledgers.get(attempt.run);
    return ledger?.released.has(`${attempt.step}/${attempt.attempt}`) === true;
  }

  // ---- at each answer

  /** What is promised to an executor is on record. Claims and reports travel together. */
  onReply(subject: string, request: Uint8Array, reply: Uint8Array): void {
    const check = subject.endsWith('.claim')
      ? this.onClaimReply
      : subject.endsWith('.report')
        ? this.onReportReply
        : undefined;
    if (!check) return;
    const replies = decode(reply) as ClaimReply[];
    for (const [index, { d }] of (decode(request) as Envelope<never>[]).entries()) {
      const answer = replies[index]?.ok;
      if (d && answer) check.call(this, d, answer);
    }
  }

  private onClaimReply(
    { run_id }: RpcRequest<typeof execution.claim>,
    { status, lease = 0 }: NonNullable<ClaimReply['ok']>,
  ): void {
    if (status !== 'granted') return;
    if ((this.ledgers.get(run_id)?.lease ?? 0) < lease)
      this.fail(`lease ${lease} of run ${run_id} is given and not recorded`);
  }

  private onReportReply(
    { run_id, lease, step, attempt }: RpcRequest<typeof execution.report>,
    { status }: NonNullable<ClaimReply['ok']>,
  ): void {
    if (status !== 'accepted') return;
    const ledger = this.ledgers.get(run_id);
    if (ledger?.heldBack === lease) return;
    const recorded = ledger?.ended.get(`${step}/${attempt}`);
    if (recorded === undefined) {
      this.fail(`run ${run_id} step ${step} attempt ${attempt}: the report is accepted and not recorded`);
    } else if (recorded !== lease) {
      this.fail(
        `run ${run_id}: a report under lease ${lease} is accepted, recorded was one under ${recorded}`,
      );
    }
  }

  // ---- at the end

  /** Every task has ended, nothing of it is left on nodes, and its nodes are free. */
  onEnd(): void {
    for (const task of this.folded.values()) {
      if (!hasEnded(task)) this.fail(`task ${task.id} is ${task.status} and does not end`);
      const draining = task.runs.filter(({ phase }) => phase === 'draining');
      if (draining.length > 0)
        this.fail(`task ${task.id}: runs ${draining.map(({ id }) => id)} are not drained`);
      this.checkVerdict(task);
    }
    for (const node of this.nodes.values()) {
      for (const attempt of node.running) {
        this.fail(`${nameOf(attempt)} runs on after its task has ended`);
      }
    }
    const { log } = this.database();
    log.forEach(({ position }, index) => {
      if (position !== index + 1) this.fail(`position ${position} is the ${index + 1}th in commit order`);
    });
  }

  private checkVerdict(task: TaskState): void {
    const { succeeded, failed, stopped } = task.counts;
    const all = task.runs.length;
    if (task.endReason === 'completed' && succeeded !== all)
      this.fail(`task ${task.id} is a success with ${succeeded} of ${all}`);
    const leftOut = this.chosen.has(task.id) && stopped > 0;
    if ((task.endReason === 'failed' || task.endReason === 'partial') && failed === 0 && !leftOut) {
      this.fail(`task ${task.id} failed without a failed node`);
    }
  }
}

function describe(attempt: Attempt | undefined): string {
  if (!attempt) return 'not there';
  return attempt.state === 'exited' ? `exited with ${attempt.behaviour.exitCode}` : attempt.state;
}

function pickFields(row: object | undefined, names: readonly string[]): unknown {
  if (!row) return row;
  const fields = row as Record<string, unknown>;
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

const byNumber = (a: number, b: number): number => a - b;
