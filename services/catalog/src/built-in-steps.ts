import { BUILT_IN_STEPS } from '@rigel/contracts';

export function builtIn(name: string): (typeof BUILT_IN_STEPS)[number] | undefined {
  return BUILT_IN_STEPS.find((step) => step.name === name);
}

export function isBuiltIn(name: string): boolean {
  return builtIn(name) !== undefined;
}
