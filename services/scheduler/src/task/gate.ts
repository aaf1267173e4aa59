import { NO_ADDRESS } from '@rigel/contracts';
import type { GateDependency, TaskGate } from './events.js';
import type { Run, TaskState } from './state.js';

/*
 * A task that follows others: its runs wait before one of its steps until the runs of other pools' tasks have passed one of
 * theirs. Plain data in TaskCreated; the end of the wait is an event. The owner of the task looks up how far the others are
 * (engine/gate-watch.ts). Pure.
 */

/** Nodes named in a reason at most. */
const NAMED = 5;

/** How far the runs of one of those tasks are. */
export interface GateProgress {
  /** Id of the task. */
  task: number;
  /** Runs that have not passed the step, and may still. */
  behind: number;
  /** Nodes whose runs pass the step only if somebody resumes them. */
  failed: { node: number; ip: string }[];
  standing: 'running' | 'paused' | 'ended';
}

/** What the progress of all dependencies means for the runs that wait. */
export type GateDecision = { type: 'open' } | { type: 'closed' } | { type: 'failed'; reason: string };

/** Whether a run at this step would have to wait. */
export function isShutBefore({ created: { gate }, gateOpen }: TaskState, step: number): boolean {
  return gate !== undefined && !gateOpen && gate.before === step;
}

/** Runs that wait at the gate. */
export function waitingRuns(task: TaskState): Run[] {
  return task.created.gate && !task.gateOpen ? task.runs.filter(({ phase }) => phase === 'gated') : [];
}

/** Those that have waited too long. */
export function overdueRuns(task: TaskState, now: number): Run[] {
  const limit = task.created.gate?.limitMs ?? 0;
  return waitingRuns(task).filter(({ since }) => now - since >= limit);
}

const targetOf = ({ pool, task, stepName }: GateDependency): string =>
  `pool ${pool.name} (task ${task}) to pass ${stepName}`;

/** What the runs wait for, in words: `pool db (task 7) to pass create_vm`. */
export function describeGate({ waitsFor }: TaskGate): string {
  return waitsFor.map(targetOf).join(', ');
}

/** @param progress of the tasks that the gate names; a task that is missing here has made no progress. */
export function judgeGate(gate: TaskGate, progress: readonly GateProgress[]): GateDecision {
  const known = new Map(progress.map((one) => [one.task, one]));
  let open = true;
  for (const dependency of gate.waitsFor) {
    const { failed, behind } = known.get(dependency.task) ?? { failed: [], behind: 1 };
    if (failed.length > 0) {
      const { pool, task, stepName } = dependency;
      const reason = `pool ${pool.name} (task ${task}) has not passed ${stepName}: ${failed.length} of its nodes failed or were stopped (${namesOf(failed)})`;
      return { type: 'failed', reason };
    }
    if (behind > 0) open = false;
  }
  return { type: open ? 'open' : 'closed' };
}

function namesOf(nodes: GateProgress['failed']): string {
  const names = nodes.slice(0, NAMED).map(({ node, ip }) => (ip === NO_ADDRESS ? `node ${node}` : ip));
  return [...names, ...(nodes.length > NAMED ? ['…'] : [])].join(', ');
}

/** Why runs fail that have waited too long. */
export function describeTimeout(gate: TaskGate, progress: readonly GateProgress[]): string {
  const known = new Map(progress.map((one) => [one.task, one]));
  const missing = gate.waitsFor.flatMap((dependency) => {
    const { behind, standing } = known.get(dependency.task) ?? { behind: 0, standing: 'running' };
    if (behind === 0) return [];
    return [
      `${targetOf(dependency)}: ${behind} of its nodes have not${standing === 'paused' ? ', the task is paused' : ''}`,
    ];
  });
  const what = missing.length > 0 ? missing.join('; ') : describeGate(gate);
  return `waited ${durationOf(gate.limitMs)} for ${what}`;
}

function durationOf(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} minutes` : `${ms / 1000} s`;
}
