import { type HeldBy, LEASE_TTL_MS, type Reason } from '@rigel/contracts';
import { describeGate } from '../task/gate.js';
import { describeHolder } from '../task/holders.js';
import { describePlaced } from '../task/placement.js';
import type { Run, TaskState } from '../task/state.js';
import { nameOf } from '../task/state.js';
import type { LiveFacts } from './facts.js';
import { clockTime, counted, duration, reason } from './words.js';

/** Heartbeats come every 2 s: a longer silence is worth a word. */
const SILENT_MS = 5_000;

/** Why a node's run waits, or why it has failed: a chain in which each reason is explained by the next one. Pure. */
export function explainRun(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  const chain = explainState(task, run, facts);
  return chain.length === 0 ? [] : [...chain, ...oneMachine(task, run)];
}

/** Other nodes are the same machine: worth a word, because one of them is wrong. */
function oneMachine(task: TaskState, run: Run): Reason[] {
  return (task.created.nodes[run.index]?.same ?? []).map(({ node, ip }) =>
    reason(
      'one_machine',
      `node ${run.node} (${nameOf(run)}) is the same machine as node ${node} (${ip}), which the task holds with it; remove one of the two from its pool`,
      null,
      { node_id: run.node, ip: nameOf(run), other_node_id: node, other_ip: ip },
    ),
  );
}

function explainState(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  switch (run.phase) {
    case 'pending':
      return [];
    case 'ready':
    case 'orphaned':
      return unheld(task, run, facts);
    case 'gated':
      return waiting(task, run);
    case 'leased':
      return held(task, run, facts);
    case 'draining':
      return draining(task, run, facts);
    case 'ended':
      return run.verdict === 'failed' ? failed(task, run, facts) : [];
  }
}

const stepName = (task: TaskState, run: Run): string => task.created.steps[run.step]?.name ?? '';

function place(task: TaskState, run: Run): Reason['data'] {
  const step = stepName(task, run);
  return {
    run_id: run.id,
    node_id: run.node,
    ip: nameOf(run),
    step,
    step_num: run.step,
    attempt: run.attempt,
  };
}

function failed(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  const record = run.steps[run.step];
  const message = record?.message ?? '';
  const attempts = record?.attempts ?? 0;
  const tried = attempts > 0 ? ` after ${counted(attempts, 'attempt')}` : '';
  const chain = [
    reason(
      'step_failed',
      `step ${stepName(task, run)} failed on ${nameOf(run)}${tried}: ${message || 'no reason was given'}`,
      run.updatedAt,
      { ...place(task, run), attempt: attempts, message },
    ),
  ];
  const holder = facts.heldByOthers.get(run.node);
  if (holder !== undefined) chain.push(nodeHeld(run, holder));
  const output = facts.lastOutput.get(run.id);
  if (output) chain.push(reason('last_output', `it printed last: ${output}`, null, { output }));
  return chain;
}

/** It waits for other pools; their tasks explain why those are not further. */
function waiting(task: TaskState, run: Run): Reason[] {
  const { gate } = task.created;
  if (!gate) return [];
  const message = `${nameOf(run)} waits before step ${stepName(task, run)} for ${describeGate(gate)}`;
  // The first one is enough for a link: the text names all.
  const [first] = gate.waitsFor;
  const waitsFor: Reason['data'] = first
    ? { pool_id: first.pool.id, pool: first.pool.name, task_id: first.task, gate_step: first.stepName }
    : {};
  const data = { ...place(task, run), ...waitsFor, tasks: gate.waitsFor.length };
  return [reason('other_pools', message, run.since, data)];
}

function nodeHeld(run: Run, holder: HeldBy): Reason {
  return reason('node_held', `${nameOf(run)} is held by ${describeHolder(holder)}`, holder.since, {
    node_id: run.node,
    ip: nameOf(run),
    ending: holder.ending ? 1 : 0,
    task_id: holder.task_id,
    task_name: holder.name,
    opr_user: holder.opr_user,
  });
}

/** For the outside it has ended; an executor is ending what may be alive on the node. */
function draining(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  if (run.drain) return heldBack(task, run, run.drain, facts);
  const what = reason(
    'command_being_ended',
    `attempt ${run.attempt} of step ${stepName(task, run)} may still run on ${nameOf(run)}; an executor ends it there, and the node is held until then`,
    run.updatedAt,
    place(task, run),
  );
  return [what, ...(run.holder === null ? offerOf(task, run, facts) : executorOf(task, run, facts))];
}

/** An executor tried to end it, in vain: what is alive there, when an executor looks again, and the way out. */
function heldBack(task: TaskState, run: Run, drain: NonNullable<Run['drain']>, facts: LiveFacts): Reason[] {
  const { reason: why, since, tries, lookAt } = drain;
  const data = { ...place(task, run), tries, next_look: lookAt, message: why };
  const what = reason(
    'node_held_back',
    `${nameOf(run)} is held since ${clockTime(since, facts.now)}, because attempt ${run.attempt} of step ${stepName(task, run)} may still run there: ${why}`,
    since,
    data,
  );
  const next =
    run.holder === null && lookAt > facts.now
      ? [
          reason(
            'next_look',
            `an executor looks again at ${clockTime(lookAt, facts.now)}, in ${duration(lookAt - facts.now)} (${counted(tries, 'look')} in vain so far)`,
            null,
            { next_look: lookAt, tries },
          ),
        ]
      : run.holder === null
        ? offerOf(task, run, facts)
        : executorOf(task, run, facts);
  const out = reason(
    'release_node',
    `when no command of it runs there any more, say so: POST /task/release_node/${run.id}; or remove the node from its pool`,
    null,
    { run_id: run.id },
  );
  return [what, ...next, out];
}

function held(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  const step = stepName(task, run);
  if (run.retryAt > facts.now) {
    return [
      reason(
        'retry_at',
        `attempt ${run.attempt} of step ${step} on ${nameOf(run)} begins at ${clockTime(run.retryAt, facts.now)}, in ${duration(run.retryAt - facts.now)}`,
        run.since,
        { ...place(task, run), retry_at: run.retryAt },
      ),
      ...attemptBefore(task, run),
    ];
  }
  const since = Math.max(run.since, run.retryAt);
  return [
    reason(
      'attempt_running',
      `attempt ${run.attempt} of step ${step} has been running on ${nameOf(run)} since ${clockTime(since, facts.now)} (${duration(facts.now - since)})`,
      since,
      place(task, run),
    ),
    ...placedElsewhere(task, run),
    ...executorOf(task, run, facts),
    ...attemptBefore(task, run),
  ];
}

/** Its node's disk is full. */
function placedElsewhere(task: TaskState, run: Run): Reason[] {
  if (!run.placed) return [];
  const { folder } = run.placed;
  return [
    reason('node_full', describePlaced(run.placed), null, {
      ...place(task, run),
      folder,
      memory: run.placed.memory ? 1 : 0,
      why: run.placed.why,
    }),
  ];
}

function attemptBefore(task: TaskState, run: Run): Reason[] {
  const message = run.steps[run.step]?.message ?? '';
  if (run.failures === 0 || message === '') return [];
  return [
    reason('last_attempt_failed', `its last attempt failed: ${message}`, null, {
      step: stepName(task, run),
      failures: run.failures,
      message,
    }),
  ];
}

/** Which executor has the run's lease, and what it waits for. */
function executorOf(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  const data: Reason['data'] = { executor: run.holder, lease: run.lease };
  if (!facts.owned) return [noOwner()];
  const lease = facts.lease(run.index);
  const silentMs = lease?.silentMs ?? 0;
  const heard = lease ? `, last heartbeat ${duration(silentMs)} ago` : '';
  const chain = [
    reason('executor_has_it', `executor ${run.holder} has it (lease ${run.lease}${heard})`, null, {
      ...data,
      silent_ms: lease ? silentMs : null,
    }),
  ];
  if (silentMs > SILENT_MS) {
    const left = Math.max(0, LEASE_TTL_MS - silentMs);
    chain.push(
      reason(
        'executor_silent',
        `no heartbeat of executor ${run.holder} for ${duration(silentMs)}; in ${duration(left)} the scheduler offers the run to others`,
        facts.now - silentMs,
        data,
      ),
    );
    if (!facts.executors.some(({ name }) => name !== run.holder && canDo(task, run, name, facts)))
      chain.push(noExecutor(task, run));
    return chain;
  }
  const waits = facts.waitsFor(run.id);
  if (waits) {
    chain.push(
      reason('executor_waits', `the executor waits: ${waits.what}`, waits.since, {
        ...data,
        what: waits.what,
        capability: task.created.steps[run.step]?.capability ?? null,
      }),
    );
  }
  return chain;
}

function canDo(task: TaskState, run: Run, name: string, { executors }: LiveFacts): boolean {
  const capability = task.created.steps[run.step]?.capability;
  const executor = executors.find((one) => one.name === name);
  return capability !== undefined && executor?.capabilities.includes(capability) === true;
}

function unheld(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  const begun = run.mayRun
    ? `attempt ${run.attempt} of step ${stepName(task, run)} has begun on ${nameOf(run)} and waits for an executor to go on with it`
    : `${nameOf(run)} waits for an executor to begin step ${stepName(task, run)}`;
  return [
    reason('needs_executor', begun, run.updatedAt, { ...place(task, run), begun: run.mayRun ? 1 : 0 }),
    ...offerOf(task, run, facts),
    ...attemptBefore(task, run),
  ];
}

/** Why no executor has claimed a run. */
function offerOf(task: TaskState, run: Run, facts: LiveFacts): Reason[] {
  if (!facts.owned) return [noOwner()];
  const capability = task.created.steps[run.step]?.capability ?? 'ssh';
  const able = facts.executors.filter(({ capabilities }) => capabilities.includes(capability));
  if (able.length === 0) return [noExecutor(task, run)];
  const free = able.reduce((sum, { freeSlots }) => sum + Math.max(0, freeSlots), 0);
  const offer = facts.offer(run.index);
  if (free === 0) {
    return [
      reason(
        'executors_busy',
        `all ${counted(able.length, 'executor')} that can do it (${capability}) have no free slot`,
        null,
        { capability, executors: able.length },
      ),
    ];
  }
  if (offer === 'waiting') {
    return [reason('others_first', 'the scheduler offers other nodes of the task before it', null, {})];
  }
  if (offer === undefined) return [];
  return [
    reason(
      'not_claimed',
      `it has been offered for ${duration(facts.now - offer.madeAt)} (${counted(offer.tries + 1, 'time')}) and no executor has claimed it; next offer at ${clockTime(offer.repeatAt, facts.now)}`,
      offer.madeAt,
      { capability, times: offer.tries + 1, next_offer: offer.repeatAt, executors: able.length },
    ),
  ];
}

function noExecutor(task: TaskState, run: Run): Reason {
  const capability = task.created.steps[run.step]?.capability ?? 'ssh';
  return reason('no_executor', `no executor with the capability ${capability} answers`, null, { capability });
}

function noOwner(): Reason {
  return reason('no_scheduler', 'no scheduler has taken up the task: none owns its partition now', null, {});
}
