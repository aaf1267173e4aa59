import {
  type Action,
  type ActionImpl,
  noSuch,
  type RemoteStep,
  type ResolvedAction,
  type ResolvedStep,
  ServiceError,
  type StepOption,
  show,
  stepLimitsOf,
} from '@rigel/contracts';
import { prepared } from '@rigel/runtime/database';
import { CompiledQuery, type Kysely } from 'kysely';
import { readImplTemplate } from '../actimpl/impl-template.js';
import { builtIn } from '../built-in-steps.js';
import type { CatalogTables } from '../tables.js';

/** The part of the catalog that a template's steps reach, as of one moment. */
export interface CatalogEntries {
  remoteSteps: ReadonlyMap<string, Pick<RemoteStep, 'actions'>>;
  actions: ReadonlyMap<string, Pick<Action, 'params'> & { impls: Pick<ActionImpl, 'type' | 'template'>[] }>;
}

const invalid = (message: string): ServiceError => new ServiceError('template_rule', message, 'steps');

/**
 * What an action runs: its implementation of type `ansible`, else one of type `noop`, which does nothing.
 * @throws ServiceError `invalid` if there is none, or if no executor can run its module.
 */
function resolveAction(name: string, step: string, entries: CatalogEntries): ResolvedAction {
  const where = `step ${show(step)}: action ${show(name)}`;
  const action = entries.actions.get(name);
  if (!action) throw invalid(`${where} does not exist`);
  const { params, impls } = action;
  const ansible = impls.find(({ type }) => type === 'ansible');
  if (!ansible) {
    if (impls.some(({ type }) => type === 'noop')) return { name, params, module: 'noop', text: '' };
    throw invalid(`${where} has no implementation of type ansible`);
  }
  const implementation = readImplTemplate(ansible.template);
  if (implementation.module === 'unknown') {
    throw invalid(`${where} has an implementation with the unknown module ${show(implementation.name)}`);
  }
  return { name, params, module: implementation.module, text: implementation.text };
}

function resolveStep(option: StepOption, entries: CatalogEntries): ResolvedStep {
  const { name, param_values, retry, allowed_secrets } = option;
  const kind = builtIn(name)?.type;
  if (kind) return { name, kind, param_values, retry, ...stepLimitsOf(option), actions: [] };
  const step = entries.remoteSteps.get(name);
  if (!step) throw invalid(`step ${show(name)} does not exist`);
  if (step.actions.length === 0) throw invalid(`step ${show(name)} has no action`);
  return {
    name,
    kind: 'remote',
    param_values,
    retry,
    ...stepLimitsOf(option),
    ...(allowed_secrets ? { allowed_secrets } : {}),
    actions: step.actions.map((action) => resolveAction(action, name, entries)),
  };
}

/** Makes steps self-contained. @throws ServiceError `invalid`, naming the step and the action that cannot be run. */
export function resolveSteps(steps: readonly StepOption[], entries: CatalogEntries): ResolvedStep[] {
  if (steps.length === 0) throw invalid('the template has no step');
  return steps.map((step) => resolveStep(step, entries));
}

/** A template with the remote steps that it names and their actions, in one statement and so as of one moment. */
const TEMPLATE_WITH_PARTS = prepared(`
  WITH template AS (SELECT name, steps FROM templates WHERE id = $1),
  named AS (
    SELECT name, actions FROM remote_steps
    WHERE name = ANY (ARRAY(SELECT step->>'name' FROM template, jsonb_array_elements(template.steps) AS step))
  ),
  run AS (
    SELECT actions.name, params, coalesce(
      (SELECT json_agg(json_build_object('type', type, 'template', template)) FROM actimpls WHERE action_id = actions.id),
      '[]') AS impls
    FROM actions WHERE name = ANY (ARRAY(SELECT unnest(named.actions) FROM named))
  )
  SELECT name, steps, coalesce((SELECT json_agg(named) FROM named), '[]') AS remote_steps,
    coalesce((SELECT json_agg(run) FROM run), '[]') AS actions
  FROM template`);

interface TemplateWithParts {
  name: string;
  steps: StepOption[];
  remote_steps: Pick<RemoteStep, 'name' | 'actions'>[];
  actions: (Pick<Action, 'name' | 'params'> & { impls: Pick<ActionImpl, 'type' | 'template'>[] })[];
}

/**
 * A template with all it takes to run it, as of one moment.
 * @throws ServiceError `not_found` the template, `invalid` what cannot be run.
 */
export async function resolveTemplate(
  db: Kysely<CatalogTables>,
  id: number,
): Promise<{ id: number; name: string; steps: ResolvedStep[] }> {
  const { rows } = await db.executeQuery<TemplateWithParts>(CompiledQuery.raw(TEMPLATE_WITH_PARTS, [id]));
  const [template] = rows;
  if (!template) throw noSuch('template', id, `template ${id} does not exist`);
  const { name, steps, remote_steps, actions } = template;
  return {
    id,
    name,
    steps: resolveSteps(steps, {
      remoteSteps: new Map(remote_steps.map((step) => [step.name, step])),
      actions: new Map(actions.map((action) => [action.name, action])),
    }),
  };
}

/** A template, self-contained, or why it cannot be made so. */
export type CheckedTemplate = { id: number; name: string } & (
  | { steps: ResolvedStep[] }
  | { problem: string }
);

/** All templates, oldest first, each as of one moment. Those that are deleted meanwhile are left out. */
export async function* resolveAll(db: Kysely<CatalogTables>): AsyncGenerator<CheckedTemplate> {
  const known = await db.selectFrom('templates').select(['id', 'name']).orderBy('id').execute();
  for (const { id, name } of known) {
    try {
      yield await resolveTemplate(db, id);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.code === 'invalid') yield { id, name, problem: error.message };
    }
  }
}
