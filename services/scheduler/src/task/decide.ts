import { type AttemptResult, ServiceError } from '@rigel/contracts';
import type { ClaimCommand, ReportCommand, TaskCommand } from './commands.js';
import { heldBack, mayStillRun, release } from './draining.js';
import type { TaskCreated, TaskEvent } from './events.js';
import { isShutBefore, overdueRuns, waitingRuns } from './gate.js';
import { halted, isIdle } from './halt.js';
import { tagOf } from './image-tag.js';
import { place } from './placement.js';
import { isRepeated, refuseIf, whyNotClaimed, whyNotReported } from './refusals.js';
import { start } from './resume.js';
import { hasEnded, type Run, runAt, type TaskState } from './state.js';

/*
 * What a command means for a task: the events it leads to, or a refusal. Pure functions; times come in with the command.
 * What then follows from the state alone (next batch, end of the task) is in advance.ts.
 */

/** The events of a new task; with `start` it begins at once. */
export function firstEvents(created: TaskCreated, start: { now: number } | null): TaskEvent[] {
  const events: TaskEvent[] = [{ type: 'TaskCreated', data: created }];
  if (start) {
    const deadline = created.timeoutMs > 0 ? start.now + created.timeoutMs : null;
    events.push({ type: 'TaskStarted', data: { operator: created.operator, deadline, runs: null } });
    const first = created.nodes.slice(0, created.batchSize);
    events.push({
      type: 'BatchStarted',
      data: { batch: 0, runs: first.map((_, index) => index), nodes: first.map(({ node }) => node) },
    });
  }
  return events;
}

/**
 * @param now milliseconds since 1970.
 * @throws ServiceError `wrong_state` with the reason when the task's state does not allow it.
 */
export function decide(command: TaskCommand, task: TaskState, now: number): TaskEvent[] {
  switch (command.do) {
    case 'start':
      return start(task, command, now);
    case 'pause':
      return pause(task, command);
    case 'stop':
      if (task.status === 'stopped') throw new ServiceError('task_stopped', 'the task is stopped already');
      if (task.status === 'finished') throw new ServiceError('task_ended', 'the task has finished already');
      return [
        {
          type: 'TaskStopped',
          data: { operator: command.operator, nodes: unfinishedNodes(task), ...reasonOf(command) },
        },
      ];
    case 'timeOut':
      if (hasEnded(task) || task.deadline === null || task.deadline > now) return [];
      return [{ type: 'TaskTimedOut', data: { deadline: task.deadline, nodes: unfinishedNodes(task) } }];
    case 'claim':
      return claim(task, runAt(task, command.run), command);
    case 'place':
      return place(task, runAt(task, command.run), command);
    case 'report':
      return report(task, runAt(task, command.run), withoutTakenAddress(command), now);
    case 'handBack': {
      const run = runAt(task, command.run);
      if (run.holder === null || run.lease !== command.lease) return [];
      return [{ type: 'RunHandedBack', data: { run: run.index, lease: run.lease, idle: command.idle } }];
    }
    case 'expireLease': {
      const run = runAt(task, command.run);
      if (run.holder === null || run.lease !== command.lease) return [];
      return [{ type: 'LeaseExpired', data: { run: run.index, lease: run.lease, executor: run.holder } }];
    }
    case 'release':
      return release(task, runAt(task, command.run), command);
    case 'nodeRemoved': {
      const run = runAt(task, command.run);
      if (run.phase !== 'draining' || !hasEnded(task)) return [];
      const reason = `the node was removed from its pool by ${command.operator}`;
      return [{ type: 'RunDrained', data: { run: run.index, node: run.node, givenUp: false, reason } }];
    }
    case 'openGate':
      if (!task.created.gate || task.gateOpen || hasEnded(task)) return [];
      return [{ type: 'GateOpened', data: { runs: waitingRuns(task).map(({ index }) => index) } }];
    case 'failGate': {
      const runs = command.overdue ? overdueRuns(task, now) : waitingRuns(task);
      return runs.map(({ index, node, step }) => ({
        type: 'RunFailed',
        data: { run: index, node, step, reason: command.reason },
      }));
    }
    default:
      return command satisfies never;
  }
}

function reasonOf({ reason = '' }: { reason?: string | undefined }): { reason?: string } {
  return reason === '' ? {} : { reason };
}

/** Nodes whose runs have neither ended nor been halted. */
function unfinishedNodes(task: TaskState): number[] {
  return task.runs.filter(({ verdict }) => verdict === null).map(({ node }) => node);
}

function pause(task: TaskState, command: { operator: string; reason?: string | undefined }): TaskEvent[] {
  if (task.status !== 'running') throw new ServiceError('task_not_running', 'the task is not running');
  const data = { operator: command.operator, ...reasonOf(command) };
  return [{ type: 'TaskPaused', data }, ...halted(task.runs.filter(isIdle))];
}

function claim(task: TaskState, run: Run, command: ClaimCommand): TaskEvent[] {
  refuseIf(whyNotClaimed(task, run, command));
  // The same executor claims again when the answer to its first claim was lost: it gets a new lease.
  const { executor } = command;
  return [{ type: 'RunClaimed', data: { run: run.index, executor, lease: run.lease + 1 } }];
}

/** A machine whose address is another node's counts as one without an address, and the attempt as failed. */
function withoutTakenAddress(command: ReportCommand): ReportCommand {
  const { takenAddress: reason, result, hostKey: _, ...others } = command;
  if (reason === undefined || !result.machine) return command;
  const machine = { ...result.machine, ip: '' };
  return { ...others, takenAddress: reason, result: { ...result, status: 'failed', reason, machine } };
}

function report(task: TaskState, run: Run, command: ReportCommand, now: number): TaskEvent[] {
  if (isRepeated(run, command)) return [];
  refuseIf(whyNotReported(run, command));
  const events: TaskEvent[] = [];
  if (command.hostKey !== undefined) {
    events.push({ type: 'HostKeyPinned', data: { node: run.node, hostKey: command.hostKey } });
  }
  const { machine } = command.result;
  if (machine && (machine.vm_id !== run.vm || (machine.ip !== '' && machine.ip !== run.ip))) {
    events.push({
      type: 'MachineAssigned',
      data: { run: run.index, node: run.node, vm: machine.vm_id, ip: machine.ip },
    });
  }
  const step = task.created.steps[run.step];
  if (step?.kind === 'vm' && step.name === 'return_vm' && command.result.status === 'succeeded') {
    events.push({ type: 'MachineReturned', data: { run: run.index, node: run.node, vm: run.vm } });
  }
  if (run.phase === 'draining') {
    if (mayStillRun(run, command.result)) return [...events, heldBack(run, command, now)];
    events.push(outcomeOfDraining(run, command));
    events.push({ type: 'RunDrained', data: { run: run.index, node: run.node, givenUp: false } });
    return events;
  }
  const outcome = attemptOutcome(task, run, command, now);
  events.push(outcome, ...whatFollows(task, run, outcome, command));
  return events;
}

function attemptOf(run: Run, { step, attempt, result }: ReportCommand) {
  return {
    run: run.index,
    step,
    attempt,
    startedAt: result.started_at,
    finishedAt: result.finished_at,
    ...(result.exit_code === undefined ? {} : { exitCode: result.exit_code }),
    ...(result.unknown_machine ? { unknownMachine: true } : {}),
    ...(result.note ? { note: result.note } : {}),
  };
}

function outcomeOfDraining(run: Run, command: ReportCommand): TaskEvent {
  const ended = attemptOf(run, command);
  if (command.result.status === 'succeeded') return { type: 'AttemptSucceeded', data: ended };
  if (command.result.status === 'stopped') {
    return { type: 'AttemptStopped', data: { ...ended, reason: command.result.reason } };
  }
  return {
    type: 'AttemptFailed',
    data: { ...ended, reason: command.result.reason, next: 'fail', retryAt: null },
  };
}

type AttemptOutcome = Extract<TaskEvent, { type: 'AttemptSucceeded' | 'AttemptFailed' }>;

function attemptOutcome(task: TaskState, run: Run, command: ReportCommand, now: number): AttemptOutcome {
  const ended = attemptOf(run, command);
  const { result } = command;
  if (result.status === 'succeeded') return { type: 'AttemptSucceeded', data: ended };
  const { retry } = task.created.steps[run.step] ?? { retry: { retry_times: 0, ignore_error: false } };
  const reason =
    result.reason || (result.status === 'stopped' ? 'the command was ended on the node' : 'it failed');
  const mayRun = mayStillRun(run, result) ? { mayRun: true } : {};
  // Another attempt could make a second machine, get the address of another node again, restart the node once more, or run
  // beside a command that no executor could end: a person decides whether to go on, by a resume.
  const forPerson = result.unknown_machine === true || command.takenAddress !== undefined;
  if (run.failures < retry.retry_times && !forPerson && !result.no_retry) {
    const retryAt = now + task.created.retryDelayMs;
    return { type: 'AttemptFailed', data: { ...ended, ...mayRun, reason, next: 'retry', retryAt } };
  }
  const notIgnored = retry.ignore_error ? whyNotIgnored(task, run, result) : undefined;
  // The next step must not begin beside a command that may still run.
  const ignorable = notIgnored === undefined && !forPerson && !mayRun.mayRun;
  const next = retry.ignore_error && ignorable ? 'ignore' : 'fail';
  const told = notIgnored === undefined ? reason : `${reason} (not ignored: ${notIgnored})`;
  return { type: 'AttemptFailed', data: { ...ended, ...mayRun, reason: told, next, retryAt: null } };
}

/** A failed command may be ignored. A missing node may not: nothing would show that no command ran. */
function whyNotIgnored(task: TaskState, run: Run, result: AttemptResult): string | undefined {
  if (result.not_begun) return 'no command ran on the node';
  const step = task.created.steps[run.step];
  const machine = result.machine?.vm_id ?? run.vm;
  const creates = step?.kind === 'vm' && step.name === 'create_vm';
  return creates && machine === '' ? 'the node has no machine' : undefined;
}

/** What an attempt's outcome means for its run: the end, or going on, now or later or elsewhere. */
function whatFollows(
  task: TaskState,
  run: Run,
  outcome: AttemptOutcome,
  command: ReportCommand,
): TaskEvent[] {
  const { index, node } = run;
  if (outcome.type === 'AttemptFailed' && outcome.data.next === 'fail') {
    const draining = outcome.data.mayRun ? { draining: true } : {};
    return [
      {
        type: 'RunFailed',
        data: { run: index, node, step: run.step, reason: outcome.data.reason, ...draining },
      },
    ];
  }
  const retried = outcome.type === 'AttemptFailed' && outcome.data.next === 'retry';
  const nextStep = retried ? run.step : run.step + 1;
  const next = task.created.steps[nextStep];
  if (!next) {
    const tag = tagOf(task.created);
    return [
      { type: 'RunSucceeded', data: tag === undefined ? { run: index, node } : { run: index, node, tag } },
    ];
  }
  if (task.status !== 'running') return halted([run]);
  // After a resume an earlier batch goes first.
  if (run.batch !== task.batch || !task.batchActive) return [{ type: 'RunDeferred', data: { run: index } }];
  if (isShutBefore(task, nextStep)) {
    return [{ type: 'RunWaiting', data: { run: index, lease: run.lease, step: nextStep } }];
  }
  if (!command.capabilities.includes(next.capability)) {
    return [{ type: 'RunHandedBack', data: { run: index, lease: run.lease, idle: true } }];
  }
  return [];
}
