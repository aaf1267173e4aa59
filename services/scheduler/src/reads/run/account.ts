import { type AttemptLease, attemptKey, type RunAttempt, type TaskPlan } from '@rigel/contracts';
import type { TaskEvent } from '../../task/events.js';
import { evolve } from '../../task/evolve.js';
import { isShutBefore } from '../../task/gate.js';
import type { Run, TaskState } from '../../task/state.js';
import type { RunEvent } from './run-history.js';

/** An attempt as the events tell it; its output is read elsewhere. */
export type AttemptSoFar = Omit<RunAttempt, 'output'> & { step: number };

/** A run's attempts so far, and the state that follows from the same events. It can be continued by later events. */
export interface RunSoFar {
  /** A task whose only run it is. */
  task: TaskState | undefined;
  attempts: AttemptSoFar[];
  /** Last version of the task's stream that it contains. */
  version: number;
}

export const nothingYet = (): RunSoFar => ({ task: undefined, attempts: [], version: 0 });

/** The attempts of a run, told by its events: who held each under which lease, and how each ended. Changes what it is given. */
export function tellOn(so: RunSoFar, events: readonly RunEvent[], taskId: number): void {
  for (const { version, at, event } of events) {
    const before = so.task?.runs[0];
    const was = before && {
      phase: before.phase,
      mayRun: before.mayRun,
      step: before.step,
      attempt: before.attempt,
    };
    const current = so.attempts.at(-1);
    so.task = evolve(so.task, event, taskId, at);
    so.version = version;
    const run = so.task.runs[0];
    if (!run || !was) continue;
    tell({ so, run, was, current, version, at }, event);
  }
}

interface Moment {
  so: RunSoFar;
  run: Run;
  was: Pick<Run, 'phase' | 'mayRun' | 'step' | 'attempt'>;
  current: AttemptSoFar | undefined;
  version: number;
  at: number;
}

function tell(moment: Moment, event: TaskEvent): void {
  const { so, run, was, current, version } = moment;
  switch (event.type) {
    case 'RunClaimed': {
      const { executor, lease } = event.data;
      // The executor asks again, because the answer to its claim was lost.
      if (current && holds(current)?.lease === lease) return;
      const fresh = !was.mayRun && was.phase !== 'draining';
      const attempt = fresh || !current ? begin(moment) : current;
      attempt.versions.push(version);
      const how = was.phase === 'draining' ? 'ends' : fresh ? 'begins' : 'finds';
      attempt.leases.push(leaseOf({ lease, executor }, how, moment));
      return;
    }
    case 'LeaseExpired':
      letGo(moment, 'expired');
      return;
    case 'RunHandedBack':
      letGo(moment, 'handed_back');
      // Between two attempts: what was authorised had not begun.
      if (event.data.idle && current && current.finished === null) so.attempts.pop();
      return;
    case 'AttemptPlaced':
      if (current)
        Object.assign(current, { folder: event.data.folder, note: event.data.why }).versions.push(version);
      return;
    case 'AttemptSucceeded':
    case 'AttemptFailed':
    case 'AttemptStopped': {
      const ended = current ?? begin(moment);
      letGo(moment, 'reported');
      if (event.type === 'AttemptStopped' && ended.ended_version !== null) {
        // It had failed before, and an executor has made sure that its command does not run any more.
        ended.may_run = false;
        return;
      }
      Object.assign(ended, endOf(event), { ended_version: version });
      if (!ended.versions.includes(version)) ended.versions.push(version);
      goOn(moment, ended);
      return;
    }
    case 'RunDrained':
    case 'NodeReleased':
      letGo(moment, 'released');
      if (current && current.finished === null) {
        Object.assign(current, { state: 'unknown', may_run: false, ended_version: version });
        current.reason ||= event.data.reason ?? '';
      }
      return;
    case 'TaskStopped':
    case 'TaskTimedOut':
    case 'RunDeferred':
    case 'RunWaiting':
    case 'RunsHalted':
    case 'RunFailed':
    case 'RunSucceeded':
      // The run goes without the attempt that was authorised last, which had not begun.
      if (run.phase !== 'draining' && current?.state === 'running') {
        letGo(moment, 'released');
        if (!was.mayRun || run.phase === 'gated' || run.phase === 'pending') so.attempts.pop();
        else Object.assign(current, { state: 'unknown', ended_version: version });
      }
      return;
    default:
  }
}

function endOf(
  event: Extract<TaskEvent, { type: 'AttemptSucceeded' | 'AttemptFailed' | 'AttemptStopped' }>,
): Partial<AttemptSoFar> {
  const { startedAt, finishedAt, exitCode, note } = event.data;
  const facts = {
    started: startedAt,
    finished: finishedAt,
    exit_code: exitCode ?? null,
    ...(note ? { note } : {}),
  };
  if (event.type === 'AttemptSucceeded') return { ...facts, state: 'succeeded' };
  if (event.type === 'AttemptStopped') return { ...facts, state: 'stopped', reason: event.data.reason };
  const { reason, next, retryAt, mayRun } = event.data;
  return {
    ...facts,
    state: next === 'ignore' ? 'ignored' : 'failed',
    reason,
    retry_at: retryAt,
    may_run: mayRun === true,
  };
}

/** After an outcome the same lease authorises the next attempt or step, unless the run has to wait or has ended. */
function goOn(moment: Moment, ended: AttemptSoFar): void {
  const { run, so } = moment;
  if (run.phase !== 'leased' || !so.task || run.step >= so.task.created.steps.length) return;
  if (isShutBefore(so.task, run.step)) return;
  if (ended.step === run.step && ended.attempt === run.attempt) return;
  const last = ended.leases.at(-1);
  if (!last || (ended.state === 'failed' && ended.retry_at === null)) return;
  const next = begin(moment);
  next.versions.push(moment.version);
  next.leases.push(leaseOf(last, 'goes_on', moment));
}

function begin({ so, run, version, at }: Moment): AttemptSoFar {
  const { created } = so.task as TaskState;
  const attempt: AttemptSoFar = {
    step: run.step,
    key: attemptKey({ uuid: created.uuid } as TaskPlan, run.id, run.step, run.attempt),
    attempt: run.attempt,
    state: 'running',
    authorised: at,
    authorised_version: version,
    started: null,
    finished: null,
    ended_version: null,
    exit_code: null,
    reason: '',
    note: '',
    may_run: false,
    retry_at: null,
    folder: null,
    leases: [],
    versions: [],
  };
  so.attempts.push(attempt);
  return attempt;
}

function leaseOf(
  { lease, executor }: { lease: number; executor: string },
  how: AttemptLease['how'],
  { version, at }: Moment,
): AttemptLease {
  return {
    lease,
    executor,
    how,
    from: at,
    from_version: version,
    until: null,
    until_version: null,
    over: null,
  };
}

/** The lease under which an executor has the attempt now. */
function holds(attempt: AttemptSoFar): AttemptLease | undefined {
  const last = attempt.leases.at(-1);
  return last?.over === null ? last : undefined;
}

function letGo({ current, version, at }: Moment, over: NonNullable<AttemptLease['over']>): void {
  const lease = current && holds(current);
  if (!current || !lease) return;
  Object.assign(lease, { until: at, until_version: version, over });
  current.versions.push(version);
}
