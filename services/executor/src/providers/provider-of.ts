import type { TaskPlan } from '@rigel/contracts';
import type { ProviderEntry } from '@rigel/providers';
import { AttemptFailure } from './provider-attempt.js';

/**
 * The provider that a step names by number.
 * @throws AttemptFailure when the parameter is not a number, or this executor has no such provider.
 */
export function providerOf<P>(
  step: TaskPlan['steps'][number],
  parameter: 'vm_type_id' | 'service_discovery_id',
  providers: ReadonlyMap<number, ProviderEntry<P>>,
): ProviderEntry<P> {
  const value = step.param_values[parameter];
  const id = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(id) || id < 1 || value === '') {
    const what =
      value === undefined ? 'is not given' : `= ${JSON.stringify(value)} is not a whole number from 1`;
    throw new AttemptFailure(`${parameter} of step ${step.name} ${what}`);
  }
  const entry = providers.get(id);
  if (entry) return entry;
  const kind = parameter === 'vm_type_id' ? 'VM' : 'service discovery';
  const known = [...providers.keys()].join(', ');
  throw new AttemptFailure(
    `there is no ${kind} provider ${id}: ${known ? `this executor has ${known}` : 'this executor has none'} (RIGEL_PROVIDERS_FILE)`,
  );
}
