import {
  catalog,
  isOneOff,
  MOST_DIFFERENCES,
  type RecordedPlan,
  type ResolvedStep,
  recordedPlan,
  ServiceError,
} from '@rigel/contracts';
import type { Bus, RequestContext } from '@rigel/messaging';
import type { Operations } from '@rigel/runtime';
import type { Kysely } from 'kysely';
import { planDifferences } from '../operations/plan-differences.js';
import { recordedRows } from '../operations/step-rows.js';
import { readRecordedPlan } from '../reads/recorded-plan.js';
import type { TaskCreated } from '../task/events.js';

/** Serves the plans that tasks were recorded with, beside what their templates are now; any replica answers. */
export function serveRecordedPlan(
  operations: Operations,
  { bus, db }: { bus: Bus; db: Kysely<unknown> },
): void {
  operations.serve(recordedPlan, async ({ id }, context) => {
    const task = await readRecordedPlan(db, id);
    // A one-off command has no template, so nothing can have changed since.
    const now = isOneOff(task.template)
      ? { name: task.template.name, steps: task.steps }
      : await templateNow(bus, task.template.id, context);
    return {
      template: task.template,
      select: task.select ?? null,
      steps: recordedRows(task.steps, task.sources),
      catalog: { values: task.sources !== undefined, ...compared(task, now) },
    };
  });
}

type Now = { name: string; steps: ResolvedStep[] } | Pick<RecordedPlan['catalog'], 'state' | 'reason'>;

const STATES = { not_found: 'deleted', invalid: 'unusable', unavailable: 'unknown' } as const;

async function templateNow(bus: Bus, id: number, context: RequestContext): Promise<Now> {
  try {
    return await bus.call(catalog.resolveTemplate, { id }, context);
  } catch (error) {
    if (!(error instanceof ServiceError) || !(error.code in STATES)) throw error;
    const state = STATES[error.code as keyof typeof STATES];
    return { state, reason: state === 'deleted' ? '' : error.message };
  }
}

function compared(
  { steps, sources }: Pick<TaskCreated, 'steps' | 'sources'>,
  now: Now,
): Omit<RecordedPlan['catalog'], 'values'> {
  if ('state' in now) return { ...now, name: '', differences: [], total: 0 };
  const differences = planDifferences(steps, now.steps, sources);
  return {
    state: differences.length === 0 ? 'same' : 'changed',
    reason: '',
    name: now.name,
    differences: differences.slice(0, MOST_DIFFERENCES),
    total: differences.length,
  };
}
