import {
  type Action,
  type ActionImpl,
  type RemoteStep,
  type ResolvedAction,
  type ResolvedStep,
  ServiceError,
  type StepOption,
  show,
} from '@rigel/contracts';
import { type Kysely, sql } from 'kysely';
import { readImplTemplate } from '../actimpl/impl-template.js';
import { builtIn } from '../built-in-steps.js';
import type { CatalogTables } from '../tables.js';

/** The part of the catalog that a template's steps reach, as of one moment. */
export interface Parts {
  remoteSteps: ReadonlyMap<string, Pick<RemoteStep, 'actions'>>;
  actions: ReadonlyMap<string, Pick<Action, 'params'> & { impls: Pick<ActionImpl, 'type' | 'template'>[] }>;
}

const invalid = (message: string): ServiceError => new ServiceError('invalid', message, 'steps');

/**
 * What an action runs: its implementation of type `ansible`, else one of type `noop`, which does nothing.
 * @throws ServiceError `invalid` when there is none, or one whose module nobody here can run.
 */
function resolveAction(name: string, step: string, parts: Parts): ResolvedAction {
  const where = `step ${show(step)}: action ${show(name)}`;
  const action = parts.actions.get(name);
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

function resolveStep({ name, param_values, retry }: StepOption, parts: Parts): ResolvedStep {
  const kind = builtIn(name)?.type;
  if (kind) return { name, kind, param_values, retry, actions: [] };
  const step = parts.remoteSteps.get(name);
  if (!step) throw invalid(`step ${show(name)} does not exist`);
  if (step.actions.length === 0) throw invalid(`step ${show(name)} has no action`);
  return {
    name,
    kind: 'remote',
    param_values,
    retry,
    actions: step.actions.map((action) => resolveAction(action, name, parts)),
  };
}

/** Makes steps self-contained. @throws ServiceError `invalid`, naming the step and the action that cannot be run. */
export function resolveSteps(steps: readonly StepOption[], parts: Parts): ResolvedStep[] {
  if (steps.length === 0) throw invalid('the template has no step');
  return steps.map((step) => resolveStep(step, parts));
}

async function readParts(db: Kysely<CatalogTables>, steps: readonly StepOption[]): Promise<Parts> {
  const stepNames = steps.map(({ name }) => name).filter((name) => !builtIn(name));
  if (stepNames.length === 0) return { remoteSteps: new Map(), actions: new Map() };
  const remoteSteps = await db
    .selectFrom('remote_steps')
    .select(['name', 'actions'])
    .where('name', '=', sql<string>`any(${stepNames})`)
    .execute();
  const actionNames = remoteSteps.flatMap(({ actions }) => actions);
  const rows =
    actionNames.length === 0
      ? []
      : await db
          .selectFrom('actions')
          .leftJoin('actimpls', 'actimpls.action_id', 'actions.id')
          .select(['actions.name', 'actions.params', 'actimpls.type', 'actimpls.template'])
          .where('actions.name', '=', sql<string>`any(${actionNames})`)
          .execute();
  const actions = new Map<
    string,
    Pick<Action, 'params'> & { impls: Pick<ActionImpl, 'type' | 'template'>[] }
  >();
  for (const { name, params, type, template } of rows) {
    const action = actions.get(name) ?? { params, impls: [] };
    if (type !== null && template !== null) action.impls.push({ type, template });
    actions.set(name, action);
  }
  return { remoteSteps: new Map(remoteSteps.map((step) => [step.name, step])), actions };
}

/**
 * A template with all it takes to run it, as of one moment.
 * @throws ServiceError `not_found` the template, `invalid` what cannot be run.
 */
export async function resolveTemplate(
  db: Kysely<CatalogTables>,
  id: number,
): Promise<{ id: number; name: string; steps: ResolvedStep[] }> {
  // One snapshot: an edit between two queries must not mix old and new.
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const template = await trx
        .selectFrom('templates')
        .select(['name', 'steps'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (!template) throw new ServiceError('not_found', `template ${id} does not exist`);
      const { name, steps } = template;
      return { id, name, steps: resolveSteps(steps, await readParts(trx, steps)) };
    });
}
