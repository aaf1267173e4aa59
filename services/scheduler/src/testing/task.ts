import type { AttemptResult, Capability, Instruction } from '@rigel/contracts';
import type { RecordedEvent } from '@rigel/event-store';
import { type Decision, decisionOf } from '@rigel/testing';
import type { TaskCommand } from '../task/commands.js';
import { firstEvents } from '../task/decide.js';
import type { PlannedStep, TaskCreated, TaskEvent } from '../task/events.js';
import { evolve } from '../task/evolve.js';
import { handle } from '../task/handle.js';
import { nextInstruction } from '../task/instruction.js';
import { renderLog } from '../task/log.js';
import { runAt, type TaskState } from '../task/state.js';

export const CAPABILITIES: readonly Capability[] = ['ssh'];

/** Every node of the tasks here is reserved for whichever is to be resumed. */
export const RESERVED = {
  reserved: Array.from({ length: 200 }, (_, index) => 100 + index),
  reservedUntil: Number.MAX_SAFE_INTEGER,
};

export function step(
  name: string,
  options: { retry?: number; ignore?: boolean; capability?: Capability } = {},
): PlannedStep {
  return {
    name,
    kind: 'remote',
    param_values: {},
    retry: { retry_times: options.retry ?? 0, ignore_error: options.ignore ?? false },
    actions: [{ name: `${name}-action`, params: {}, module: 'shell', text: 'true' }],
    capability: options.capability ?? 'ssh',
    timeout_ms: 600_000,
  };
}

export function taskCreated(nodes: number, options: Partial<TaskCreated> = {}): TaskCreated {
  return {
    uuid: '00000000-0000-4000-8000-000000000001',
    correlationId: 'test',
    name: 'deploy',
    template: { id: 1, name: 'template' },
    pool: { id: 1, name: 'pool' },
    steps: [step('one'), step('two')],
    nodes: Array.from({ length: nodes }, (_, index) => ({
      node: 100 + index,
      ip: `10.0.0.${index + 1}`,
      vm: '',
    })),
    firstRunId: 1,
    batchSize: nodes,
    timeoutMs: 0,
    failureBudget: null,
    retryDelayMs: 5_000,
    operator: 'root',
    flowType: 'manual',
    unusedParams: [],
    ...options,
  };
}

/** The refusal of what the state of a task does not allow. */
export const wrongState = (message: RegExp) => ({ name: 'ServiceError', code: 'wrong_state', message });

/** A task driven by hand in a test: the real rules, a clock that stands where the test puts it. */
export class TaskUnderTest {
  readonly events: { event: TaskEvent; at: number }[] = [];
  state: TaskState;
  now = 1_000_000;

  constructor(created: TaskCreated, { start = true } = {}) {
    const first = firstEvents(created, start ? { now: this.now } : null);
    let state: TaskState | undefined;
    for (const event of first) {
      this.events.push({ event, at: this.now });
      state = evolve(state, event, 1, this.now);
    }
    this.state = state as TaskState;
  }

  do(command: TaskCommand): TaskEvent[] {
    const events = handle(command, this.state, this.now);
    for (const event of events) this.events.push({ event, at: this.now });
    return events;
  }

  /** Types of the events that a command leads to, or its refusal: `task.when(stop).gives(t, ['TaskStopped'])`. */
  when(command: TaskCommand): Decision<TaskEvent> {
    return decisionOf(
      () => this.do(command),
      (events) => events.map(({ type }) => type),
    );
  }

  claim(run: number, executor = 'executor-1'): TaskEvent[] {
    return this.do({ do: 'claim', run, executor, knowsPlaces: true });
  }

  /** Reports the current attempt of a run under its current lease. */
  report(run: number, result: Partial<AttemptResult> = {}, capabilities = CAPABILITIES): TaskEvent[] {
    const { lease, step, attempt } = runAt(this.state, run);
    return this.do({
      do: 'report',
      run,
      lease,
      step,
      attempt,
      capabilities,
      result: { status: 'succeeded', reason: '', started_at: this.now, finished_at: this.now, ...result },
    });
  }

  fail(run: number, reason = 'exit status 1'): TaskEvent[] {
    return this.report(run, { status: 'failed', reason, exit_code: 1 });
  }

  /** Claims a run and lets all its steps succeed. */
  finish(run: number): void {
    this.claim(run);
    while (this.state.runs[run]?.holder) this.report(run);
  }

  /** What the executor of a run does next; of the attempt nothing has begun, unless the test says otherwise. */
  next(run: number, attempt = { begun: false, outputFrom: 0 }): Instruction {
    return nextInstruction(this.state, runAt(this.state, run), this.now, attempt);
  }

  /** The events as the history has them. */
  recorded(): RecordedEvent<TaskEvent>[] {
    return this.events.map(({ event, at }, index) => ({
      ...event,
      position: index + 1,
      stream: 'task-1',
      version: index + 1,
      schema: 1,
      meta: { correlationId: 'test', actor: 'tester' },
      recordedAt: at,
    }));
  }

  /** The lines of its log. */
  log(): string[] {
    return renderLog(1, this.recorded()).map(({ message }) => message);
  }

  /** The state, folded once more from the recorded events. */
  replayed(): TaskState {
    let state: TaskState | undefined;
    for (const { event, at } of this.events) state = evolve(state, structuredClone(event), 1, at);
    return state as TaskState;
  }
}
