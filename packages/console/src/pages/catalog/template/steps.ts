import type { StepOption, Template } from '@rigel/api-client';

/** What of a template can be edited. Each step has a key of its own, which it keeps when it moves. */
export interface TemplateValues {
  name: string;
  desc: string;
  steps: readonly StepOption[];
}

export function valuesOf({ name, desc, steps }: Template): TemplateValues {
  return { name, desc, steps };
}

/** A template as text whose lines can be compared. */
export function asText({ name, desc, steps }: TemplateValues): string {
  return [`name: ${name}`, `desc: ${desc}`, ...steps.map((step) => JSON.stringify(step, null, 2))].join('\n');
}

/** The steps with one at another place. */
export function moved(steps: readonly StepOption[], from: number, to: number): StepOption[] {
  const others = [...steps];
  const [step] = others.splice(from, 1);
  if (step) others.splice(to, 0, step);
  return others;
}

/** An operation of pools, and what a template must have to be named for it. */
export interface Rule {
  use: 'expand' | 'shrink' | 'deploy';
  key: 'rule.first' | 'rule.last' | 'rule.has';
  step: string;
  isKept: boolean;
}

/** Whether the operations of pools could run these steps; the scheduler has the last word when they are called. */
export function rulesOf(steps: readonly Pick<StepOption, 'name'>[]): Rule[] {
  return [
    { use: 'expand', key: 'rule.first', step: 'create_vm', isKept: steps[0]?.name === 'create_vm' },
    { use: 'shrink', key: 'rule.last', step: 'return_vm', isKept: steps.at(-1)?.name === 'return_vm' },
    {
      use: 'deploy',
      key: 'rule.has',
      step: 'start_service',
      isKept: steps.some(({ name }) => name.startsWith('start_service')),
    },
  ];
}
