import type { StoreDefects } from './database.js';

/** A fault put back into the code, or into the simulated store, to see whether the simulation finds it. */
export interface Defect {
  name: string;
  /** What goes wrong because of it. */
  why: string;
  /** A seed that finds it, simulated first: once it does not any more, others are. */
  foundBy: number;
  /** Changes of compiled code: each text is there exactly once. */
  code?: { file: string; find: string; replace: string }[];
  store?: StoreDefects;
}

const GROUP_COMMIT = 'services/scheduler/dist/engine/group-commit.js';
const DISPATCH = 'services/scheduler/dist/engine/dispatch.js';
const DECIDE = 'services/scheduler/dist/task/decide.js';
const RESUME = 'services/scheduler/dist/task/resume.js';
const REFUSALS = 'services/scheduler/dist/task/refusals.js';
const WORKER = 'services/executor/dist/agent/worker.js';
const RUNNER = 'services/executor/dist/ssh/ssh-runner.js';
const WATCH = 'services/executor/dist/ssh/attempt-watch.js';
const NODES = 'test/dist/simulation/nodes.js';

export const DEFECTS: readonly Defect[] = [
  {
    name: 'no-fencing',
    why: 'a report under a lease that is over is recorded',
    foundBy: 21,
    code: [
      {
        file: REFUSALS,
        find: 'if (run.lease !== command.lease || run.holder === null) {',
        replace: 'if (run.holder === null) {',
      },
    ],
  },
  {
    name: 'claimed-twice',
    why: 'a run that somebody holds is given to somebody else',
    foundBy: 5,
    code: [
      {
        file: REFUSALS,
        find: 'if (run.holder !== null && run.holder !== executor) {',
        replace: 'if (run.holder === executor) {',
      },
    ],
  },
  {
    name: 'answer-before-commit',
    why: 'executors and clients are told of what is not recorded yet',
    foundBy: 3,
    code: [
      {
        file: GROUP_COMMIT,
        find: 'const answers = [];',
        replace: 'const answers = { push: (answer) => answer(), *[Symbol.iterator]() {} };',
      },
    ],
  },
  {
    name: 'state-kept-after-failed-commit',
    why: 'what could not be recorded stays in memory',
    foundBy: 60,
    code: [
      {
        file: GROUP_COMMIT,
        find: 'for (const { task } of commit.appends)\n                forget(task.id);',
        replace: '',
      },
    ],
  },
  {
    name: 'key-kept-after-the-task',
    why: 'a request that is repeated under its key makes a second task when its scheduler died in between',
    foundBy: 389,
    store: { lateKeys: true },
  },
  {
    name: 'key-is-not-kept',
    why: 'a request that is repeated under its key makes a second task',
    foundBy: 20,
    code: [
      {
        file: 'services/scheduler/dist/operations/create-tasks.js',
        find: 'runs, make, kept }',
        replace: 'runs, make, kept: undefined }',
      },
    ],
  },
  {
    name: 'gate-opens-too-early',
    why: 'nodes go on before those of the other pool are where they wait for them to be',
    foundBy: 3,
    code: [
      {
        file: 'services/scheduler/dist/task/gate.js',
        find: 'if (behind > 0)\n            open = false;',
        replace: '',
      },
    ],
  },
  {
    name: 'nobody-looks-at-gates',
    why: 'nodes that wait for another pool wait for ever',
    foundBy: 3,
    code: [
      {
        file: 'services/scheduler/dist/engine/gate-watch.js',
        find: 'if (this.ticking)\n            return;',
        replace: 'return;',
      },
    ],
  },
  {
    name: 'no-repeated-offers',
    why: 'a run whose offer is lost is never worked on',
    foundBy: 3,
    code: [
      {
        file: DISPATCH,
        find: 'this.makeOffers(loaded, loaded.offers.repeated(now), true);',
        replace: '',
      },
    ],
  },
  {
    name: 'leases-never-expire',
    why: 'a run whose executor died is never worked on again',
    foundBy: 4,
    code: [
      {
        file: 'services/scheduler/dist/engine/leases.js',
        find: 'expiresAt <= now)',
        replace: 'expiresAt < 0)',
      },
    ],
  },
  {
    name: 'repeated-report-counts-again',
    why: 'a report that is sent again because its answer was lost is recorded again',
    foundBy: 5,
    code: [
      { file: DECIDE, find: 'if (isRepeated(run, command))\n        return [];', replace: '' },
      {
        file: REFUSALS,
        find: 'if (command.step !== run.step || command.attempt !== run.attempt) {',
        replace: 'if (command.step > run.step) {',
      },
    ],
  },
  {
    name: 'taken-over-starts-anew',
    why: 'who takes over a run begins a new attempt beside the one that runs',
    foundBy: 3,
    code: [
      {
        file: 'services/scheduler/dist/task/evolve.js',
        find: 'run.mayRun = true;\n            markWorking(task, run);',
        replace:
          'if (run.mayRun)\n                run.attempt++;\n            run.mayRun = true;\n            markWorking(task, run);',
      },
    ],
  },
  {
    name: 'lost-connection-is-failure',
    why: 'a command whose connection broke counts as failed while it runs',
    foundBy: 3,
    code: [
      {
        file: WATCH,
        find: "const problem = await this.tryOnce();\n            if (typeof problem !== 'string')\n                return problem;",
        replace:
          "const problem = await this.tryOnce();\n            if (typeof problem === 'string')\n                return { status: 'failed', reason: problem };\n            return problem;",
      },
    ],
  },
  {
    name: 'unreachable-is-not-started',
    why: 'that a node cannot be reached is taken for that nothing runs there',
    foundBy: 3,
    code: [
      {
        file: WATCH,
        find: 'this.mayHaveStarted = instruction.begun;',
        replace: 'this.mayHaveStarted = false;',
      },
    ],
  },
  {
    name: 'deaf-to-stop',
    why: 'a stopped command runs on',
    foundBy: 47,
    code: [{ file: WORKER, find: 'run.stop.abort();', replace: 'void 0;' }],
  },
  {
    name: 'begun-again-after-restart',
    why: 'an attempt that was begun in memory is begun again after its node has restarted',
    foundBy: 22,
    code: [
      {
        file: WATCH,
        find: 'this.place = { folder: placed.folder, bootId: placed.boot_id };',
        replace: 'void 0;',
      },
    ],
  },
  {
    name: 'place-not-recorded',
    why: 'an attempt begins in memory before that is on record: whoever takes over knows nothing of it',
    foundBy: 75,
    code: [
      {
        file: WORKER,
        find: "return answer.status === 'accepted' ? undefined : answer.reason;",
        replace: 'return undefined;',
      },
    ],
  },
  {
    name: 'place-for-who-takes-over',
    why: 'an attempt that another executor may still begin at home is begun in memory',
    foundBy: 175,
    code: [
      {
        file: REFUSALS,
        find: 'if (run.takenOver)',
        replace: 'if (false)',
      },
      {
        file: WATCH,
        find: 'if (this.instruction.begun || this.place !== undefined || onPlace === undefined)',
        replace: 'if (this.place !== undefined || onPlace === undefined)',
      },
    ],
  },
  {
    name: 'drained-though-alive',
    why: 'a node is free while a command that could not be ended runs there',
    foundBy: 6,
    code: [
      {
        file: DECIDE,
        find: 'if (mayStillRun(run, command.result))',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'second-stop-sees-nothing',
    why: 'who stops once more does not see what the first stop could not end, and says that it has ended',
    foundBy: 7,
    code: [
      {
        file: NODES,
        find: "while (attempt?.state === 'running') {",
        replace:
          "while (attempt?.state === 'running' && timeline.now < attempt.stop.since + attempt.stop.graceMs) {",
      },
    ],
  },
  {
    name: 'next-attempt-does-not-look-back',
    why: 'an attempt begins beside the one before it, which could not be ended',
    foundBy: 6,
    code: [
      { file: DECIDE, find: '&& !result.no_retry', replace: '' },
      { file: RUNNER, find: '...(attempt > 1 ? { previousKey', replace: '...(attempt > 99 ? { previousKey' },
    ],
  },
  {
    name: 'earlier-attempts-forgotten',
    why: 'an attempt looks only at the one before it, which never began, and begins beside an earlier one',
    foundBy: 25,
    code: [
      { file: DECIDE, find: '&& !result.no_retry', replace: '' },
      { file: RUNNER, find: '...(earlier.length > 0 ?', replace: '...(earlier.length > 99 ?' },
    ],
  },
  {
    name: 'ignored-while-it-runs',
    why: 'the next step begins beside a command whose failure was ignored and that may still run',
    foundBy: 6,
    code: [{ file: DECIDE, find: '&& !mayRun.mayRun', replace: '' }],
  },
  {
    name: 'no-time-to-clean-up',
    why: 'a command that is ended has no time to clean up',
    foundBy: 8,
    code: [
      {
        file: 'services/executor/dist/ssh/run-node.js',
        find: 'graceMs: this.graceMs(of.step)',
        replace: 'graceMs: 0',
      },
    ],
  },
  {
    name: 'term-for-what-cleans-up',
    why: 'a stop also ends what a command started to clean up when it got TERM',
    foundBy: 10,
    code: [
      {
        file: NODES,
        find: 'const disturbs = begunAt < ',
        replace: 'const disturbs = begunAt <= ',
      },
    ],
  },
  {
    name: 'nobody-looks-again',
    why: 'a node on which a command could not be ended is never looked at again',
    foundBy: 6,
    code: [{ file: DISPATCH, find: 'if (loaded.looks.size > 0)', replace: 'if (loaded.looks.size < 0)' }],
  },
  {
    name: 'next-batch-too-early',
    why: 'more nodes are worked on than a batch has',
    foundBy: 2,
    code: [
      {
        file: 'services/scheduler/dist/task/advance.js',
        find: 'if (task.open > 0)\n        return [];\n    if (task.status ===',
        replace: 'if (task.open > 1)\n        return [];\n    if (task.status ===',
      },
    ],
  },
  {
    name: 'both-batches-after-resume',
    why: 'after a resume two batches are worked on at once',
    foundBy: 166,
    code: [
      {
        file: RESUME,
        find: 'if (task.open === 0 || first?.batch !== task.batch)',
        replace: 'if (task.open === 0 || !first || first.batch > task.batch)',
      },
    ],
  },
  {
    name: 'foreign-commit-unnoticed',
    why: 'a task that its last owner went on with after it was read stands still for ever',
    foundBy: 572,
    code: [
      {
        file: 'services/scheduler/dist/engine/task-cache.js',
        find: 'if (loaded && loaded.state.version >= version)',
        replace: 'if (loaded)',
      },
    ],
  },
  {
    name: 'budget-does-not-decide',
    why: 'a batch in which nothing succeeded halts a task whose budget allows it',
    foundBy: 166,
    code: [
      {
        file: 'services/scheduler/dist/task/advance.js',
        find: 'if (task.failureBudget === null &&',
        replace: 'if (',
      },
    ],
  },
  {
    name: 'start-with-runs-starts-others',
    why: 'nodes that a start did not choose go on when the chosen ones are done',
    foundBy: 51,
    code: [{ file: 'services/scheduler/dist/task/resume.js', find: '...halted(others),', replace: '' }],
  },
  {
    name: 'never-reached-is-ignored',
    why: 'a node on which nothing ran passes a step that ignores errors',
    foundBy: 53,
    code: [{ file: DECIDE, find: 'if (result.not_begun)', replace: 'if (false)' }],
  },
  {
    name: 'restart-not-awaited',
    why: 'a step that restarts its node succeeds before the node has restarted',
    foundBy: 3,
    code: [
      {
        file: WATCH,
        find: 'if (this.readyWaitMs !== undefined && mayRestart(outcome) && !isLost)',
        replace: "if (this.readyWaitMs !== undefined && outcome.kind !== 'exited')",
      },
    ],
  },
  {
    name: 'any-restart-counts',
    why: 'a node that restarts for another reason makes a step succeed that never began there',
    foundBy: 647,
    code: [
      {
        file: 'services/executor/dist/ssh/restart-wait.js',
        find: 'if (begun === undefined && boots.begun === undefined && !watch.wasBegun)',
        replace: 'if (false)',
      },
    ],
  },
  {
    name: 'restarted-again',
    why: 'a restart that cut its own command off counts as a failure, and is tried again',
    foundBy: 10,
    code: [
      {
        file: WATCH,
        find: "if (outcome.kind === 'unknown')\n        return true;",
        replace: "if (outcome.kind === 'unknown')\n        return false;",
      },
    ],
  },
  {
    name: 'spellings-not-held',
    why: 'a machine that is two nodes is in two tasks at once',
    foundBy: 19,
    code: [
      {
        file: 'services/scheduler/dist/task/projection.js',
        find: 'return [...held.map(({ node }) => node), ...held.flatMap((run) => spellingsOf(task, run))];',
        replace: 'return held.map(({ node }) => node);',
      },
    ],
  },
  {
    name: 'resumed-under-one-spelling',
    why: 'a task is resumed on a machine that another one has under its other spelling',
    foundBy: 245,
    code: [
      {
        file: 'services/scheduler/dist/operations/resume.js',
        find: '...spellingsOf(task, run),',
        replace: '',
      },
      {
        file: 'services/scheduler/dist/operations/resume.js',
        find: '...(found.get(run.node)?.same_machine ?? []).map(({ node_id }) => node_id),',
        replace: '',
      },
    ],
  },
  {
    name: 'gap-not-noticed',
    why: 'a follower takes a batch of events that does not follow what it has',
    foundBy: 34,
    code: [
      {
        file: 'packages/event-store/dist/feed/consumer.js',
        find: 'const gap = batch.after > position || (isEmpty && end > position);',
        replace: 'const gap = isEmpty && end > position;',
      },
    ],
  },
  {
    name: 'positions-out-of-order',
    why: 'positions are taken before the commit: a reader skips what is committed late',
    foundBy: 3,
    store: { earlyPositions: true },
  },
  {
    name: 'no-expected-version',
    why: 'two schedulers write the same history',
    foundBy: 35,
    store: { noVersionCheck: true },
  },
];
