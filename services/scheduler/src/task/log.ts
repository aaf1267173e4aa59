import { selectionText, type TaskLogLine } from '@rigel/contracts';
import type { RecordedEvent } from '@rigel/event-store';
import type { TaskEvent } from './events.js';
import { evolve } from './evolve.js';
import { describeGate, isShutBefore } from './gate.js';
import { describePlaced } from './placement.js';
import { nameOf, type Run, runAt, type TaskState } from './state.js';

/** An event gives at most this many lines; so a line's id tells its event, and ids rise with the events. */
const LINES_PER_EVENT = 256;

/** Halted nodes are named one by one up to this many. */
const HALTED_NAMED = 100;

/** The first event whose lines may have an id greater than the given one. */
export function versionOfLogId(id: number): number {
  return Math.floor(id / LINES_PER_EVENT);
}

interface Line {
  batch: number;
  message: string;
}

/**
 * The task log: the event stream in words. Pure: the same events always give the same lines with the same ids.
 * @param after only lines with a greater id.
 */
export function renderLog(id: number, events: readonly RecordedEvent<TaskEvent>[], after = 0): TaskLogLine[] {
  const lines: TaskLogLine[] = [];
  let task: TaskState | undefined;
  for (const recorded of events) {
    const event = { type: recorded.type, data: recorded.data } as TaskEvent;
    const before = describeBefore(task, event);
    task = evolve(task, event, id, recorded.recordedAt);
    [...before, ...describeAfter(task, event)].slice(0, LINES_PER_EVENT).forEach((line, index) => {
      const lineId = recorded.version * LINES_PER_EVENT + index;
      if (lineId > after)
        lines.push({ id: lineId, batch_id: line.batch, message: line.message, time: recorded.recordedAt });
    });
  }
  return lines;
}

const whole = (message: string): Line => ({ batch: 0, message });
const ofRun = (run: Run, message: string): Line => ({
  batch: run.batch + 1,
  message: `${nameOf(run)}: ${message}`,
});

function stepName(task: TaskState, step: number): string {
  return task.created.steps[step]?.name ?? `step ${step + 1}`;
}

function seconds(from: number, to: number): string {
  return `${(Math.max(0, to - from) / 1000).toFixed(1)} s`;
}

/** Lines that need the state as it was before the event. */
function describeBefore(task: TaskState | undefined, event: TaskEvent): Line[] {
  if (!task) return [];
  switch (event.type) {
    case 'TaskStarted':
      return [
        whole(
          task.status === 'created'
            ? `task started by ${event.data.operator}`
            : `task resumed by ${event.data.operator}: ${event.data.runs?.length ?? 0} nodes go on${
                event.data.chosen ? ', the others stay as they are' : ''
              }`,
        ),
        ...(event.data.failureBudget === undefined
          ? []
          : [whole(`from here on it tolerates ${event.data.failureBudget} failed nodes in all`)]),
      ];
    case 'RunClaimed': {
      const run = runAt(task, event.data.run);
      const what = `${stepName(task, run.step)} attempt ${run.attempt}`;
      // The log says it once; the looks that follow are worth no line.
      if (run.drain) return [];
      if (run.phase === 'draining') return [ofRun(run, `${event.data.executor} ends ${what}`)];
      if (run.mayRun) return [ofRun(run, `${what} taken over by ${event.data.executor}`)];
      return [ofRun(run, `${what} started by ${event.data.executor}`)];
    }
    case 'BatchStarted': {
      const { batch, runs } = event.data;
      const started = `batch ${batch + 1} of ${task.batches} started: ${runs.length} nodes`;
      const waiting = runs.map((index) => runAt(task, index)).find(({ step }) => isShutBefore(task, step));
      return [{ batch: batch + 1, message: started }, ...(waiting ? firstWait(task, waiting.step) : [])];
    }
    case 'RunWaiting':
      return firstWait(task, event.data.step);
    case 'RunHandedBack': {
      const run = runAt(task, event.data.run);
      const { stillRuns } = event.data;
      if (!stillRuns || run.drain?.reason === stillRuns.reason) return [];
      return [ofRun(run, heldText(run, stillRuns))];
    }
    default:
      return [];
  }
}

/** What keeps a node held after its run has ended, and the way out. */
export function heldText(run: Run, { reason, lookAt }: { reason: string; lookAt: number }): string {
  const at = new Date(lookAt).toISOString().slice(11, 19);
  return (
    `${reason}; the node stays held, and an executor looks again at ${at} UTC; ` +
    `when no command of it runs there any more: POST /task/release_node/${run.id}`
  );
}

/** One line for each start of the task: all of its nodes wait for the same. */
function firstWait(task: TaskState, step: number): Line[] {
  const { gate } = task.created;
  if (!gate || task.waitTold) return [];
  return [whole(`nodes wait before ${stepName(task, step)} for ${describeGate(gate)}`)];
}

/** The step that a run went on to under the same lease. */
function goingOn(task: TaskState, run: Run): Line[] {
  if (run.phase !== 'leased' || run.step >= task.created.steps.length) return [];
  if (isShutBefore(task, run.step)) return [];
  return [ofRun(run, `${stepName(task, run.step)} attempt ${run.attempt} started by ${run.holder}`)];
}

const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);

/** Lines that follow from the event itself. */
function describeAfter(task: TaskState, event: TaskEvent): Line[] {
  switch (event.type) {
    case 'TaskCreated': {
      const { name, template, pool, nodes, batchSize, operator, unusedParams, select } = event.data;
      return [
        whole(
          `task ${name} created by ${operator}: template ${template.name}, ${nodes.length} nodes of pool ${pool.name} in ${task.batches} batches of up to ${batchSize}`,
        ),
        ...(select ? [whole(`its nodes were selected: ${selectionText(select)}`)] : []),
        ...unusedParams.map((param) => whole(`no step uses the override ${param}`)),
      ];
    }
    case 'LeaseExpired': {
      const run = runAt(task, event.data.run);
      return [ofRun(run, `no heartbeat of ${event.data.executor} any more: another executor takes over`)];
    }
    case 'RunHandedBack':
      if (event.data.stillRuns) return [];
      return [ofRun(runAt(task, event.data.run), 'handed to another executor')];
    case 'HostKeyPinned': {
      const run = task.runs.find(({ node }) => node === event.data.node);
      return run ? [ofRun(run, 'SSH host key learned at first sight')] : [];
    }
    case 'AttemptPlaced': {
      const { step, attempt } = event.data;
      const run = runAt(task, event.data.run);
      return [ofRun(run, `${stepName(task, step)} attempt ${attempt}: ${describePlaced(event.data)}`)];
    }
    case 'MachineAssigned': {
      const { run: index, vm, ip } = event.data;
      return [
        ofRun(runAt(task, index), `has machine ${vm} of the provider${ip ? '' : ', without an address yet'}`),
      ];
    }
    case 'MachineReturned':
      return [
        ofRun(
          runAt(task, event.data.run),
          `machine ${event.data.vm} was given back, the node leaves the pool`,
        ),
      ];
    case 'AttemptSucceeded': {
      const { step, attempt, startedAt, finishedAt, note } = event.data;
      const run = runAt(task, event.data.run);
      const what = `${stepName(task, step)} attempt ${attempt} succeeded in ${seconds(startedAt, finishedAt)}`;
      return [ofRun(run, note ? `${what}; ${note}` : what), ...goingOn(task, run)];
    }
    case 'AttemptFailed': {
      const { step, attempt, startedAt, finishedAt, reason, next } = event.data;
      const run = runAt(task, event.data.run);
      const failed = `${stepName(task, step)} attempt ${attempt} failed after ${seconds(startedAt, finishedAt)}: ${reason}`;
      if (next === 'fail') return [ofRun(run, failed)];
      if (next === 'ignore') return [ofRun(run, `${failed} (ignored)`), ...goingOn(task, run)];
      return [ofRun(run, `${failed} (attempt ${attempt + 1} in ${task.created.retryDelayMs / 1000} s)`)];
    }
    case 'AttemptStopped': {
      const { step, attempt, reason } = event.data;
      const tail = reason ? `: ${reason}` : '';
      return [
        ofRun(
          runAt(task, event.data.run),
          `${stepName(task, step)} attempt ${attempt} ended on the node${tail}`,
        ),
      ];
    }
    case 'RunSucceeded':
      return [ofRun(runAt(task, event.data.run), 'all steps done')];
    case 'RunFailed': {
      const { step, reason } = event.data;
      return [ofRun(runAt(task, event.data.run), `failed at ${stepName(task, step)}: ${reason}`)];
    }
    case 'RunsHalted':
      if (event.data.runs.length > HALTED_NAMED) return [whole(`${event.data.runs.length} nodes halted`)];
      return event.data.runs.map((index) => {
        const run = runAt(task, index);
        return ofRun(run, `halted before ${stepName(task, run.step)}`);
      });
    case 'RunDeferred':
      return [ofRun(runAt(task, event.data.run), 'waits for its batch')];
    case 'GateOpened':
      return event.data.runs.length > 0
        ? [whole(`the wait for other pools is over: ${event.data.runs.length} nodes go on`)]
        : [];
    case 'RunDrained': {
      const run = runAt(task, event.data.run);
      if (event.data.givenUp)
        return [ofRun(run, 'no executor could reach the node to end its command, which may still run')];
      return event.data.reason ? [ofRun(run, `free again: ${event.data.reason}`)] : [];
    }
    case 'NodeReleased': {
      const { run, operator, reason } = event.data;
      return [ofRun(runAt(task, run), `released by ${operator}: ${reason}`)];
    }
    case 'BatchFinished':
      return [
        {
          batch: event.data.batch + 1,
          message: `batch ${event.data.batch + 1} of ${task.batches} finished: ${event.data.succeeded} nodes succeeded, ${event.data.failed} failed`,
        },
      ];
    case 'TaskPaused':
      return [whole(`task paused by ${event.data.operator}${because(event.data.reason)}`)];
    case 'TaskStopped':
      return [whole(`task stopped by ${event.data.operator}${because(event.data.reason)}`)];
    case 'TaskTimedOut':
      return [whole('task ended: its time limit is reached')];
    case 'FailureBudgetExceeded':
      return [
        whole(
          `${event.data.failed} nodes failed, more than the ${event.data.budget} allowed: no further step begins`,
        ),
      ];
    case 'TaskFinished': {
      const { succeeded, failed } = task.counts;
      const ignored = task.ignored > 0 ? ` (${task.ignored} of them with an ignored error)` : '';
      return [
        whole(
          `task finished, ${event.data.reason}: ${succeeded} nodes succeeded${ignored}, ${failed} failed`,
        ),
      ];
    }
    case 'TaskStarted':
    case 'BatchStarted':
    case 'RunClaimed':
    case 'RunWaiting':
      return [];
    default:
      return event satisfies never;
  }
}
