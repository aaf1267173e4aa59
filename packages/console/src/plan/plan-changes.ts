import type { Preview } from '@rigel/api-client';

/*
 * What differs between two plans of the same request. Both are on hand in full, so values and names can be shown, and not only
 * that something has changed.
 */

export type PlanChange =
  /** `joined` and `left` are addresses; undefined: the plans list too few of their nodes to tell. */
  | { kind: 'nodes'; before: number; after: number; joined?: string[]; left?: string[] }
  | { kind: 'batches'; pool: string; before: string; after: string }
  | { kind: 'budget'; before: number | null; after: number | null }
  | { kind: 'template'; before: string; after: string }
  | { kind: 'steps'; before: string; after: string }
  | { kind: 'limits'; step: string }
  | { kind: 'value'; step: string; name: string; before: string | undefined; after: string | undefined }
  | { kind: 'script'; step: string; action: string }
  /** A part of what the plan depends on, of which nothing can be seen in the plans themselves. */
  | { kind: 'part'; part: PlanPart };

/** The parts of a plan's hash, in their order. */
const PARTS = ['template', 'catalog', 'parameters', 'nodes', 'settings'] as const;
export type PlanPart = (typeof PARTS)[number];

const PART_OF: Record<Exclude<PlanChange['kind'], 'part'>, PlanPart> = {
  nodes: 'nodes',
  batches: 'settings',
  budget: 'settings',
  template: 'template',
  steps: 'template',
  limits: 'template',
  value: 'parameters',
  script: 'catalog',
};

/** The parts of two hashes that differ. */
function differingParts(before: string, after: string): PlanPart[] {
  const [, ...one] = before.split('.');
  const [, ...other] = after.split('.');
  return PARTS.filter((_, index) => one[index] !== other[index]);
}

/** What differs from one plan to another, most important first; empty when they have the same hash. */
export function planChanges(before: Preview, after: Preview): PlanChange[] {
  const parts = differingParts(before.plan, after.plan);
  const found = [
    ...nodeChanges(before, after, parts.includes('nodes')),
    ...stepChanges(before, after),
    ...taskChanges(before, after),
  ];
  const told = new Set(found.map(({ kind }) => (kind === 'part' ? undefined : PART_OF[kind])));
  // A changed value is also another script; the script alone says that an action runs something else.
  if (!parts.includes('catalog')) told.add('catalog');
  const seen = parts.includes('catalog') ? found : found.filter(({ kind }) => kind !== 'script');
  return [
    ...seen,
    ...parts.filter((part) => !told.has(part)).map((part) => ({ kind: 'part', part }) as const),
  ];
}

function nodeChanges({ nodes: before }: Preview, { nodes: after }: Preview, isOther: boolean): PlanChange[] {
  if (!isOther) return [];
  const counts = { before: before.count, after: after.count };
  const isWhole = [before, after].every(({ count, to_make, rows }) => rows.length === count - to_make);
  if (!isWhole) return [{ kind: 'nodes', ...counts }];
  const had = new Set(before.rows.map(({ ip }) => ip));
  const has = new Set(after.rows.map(({ ip }) => ip));
  const joined = [...has].filter((ip) => !had.has(ip));
  const left = [...had].filter((ip) => !has.has(ip));
  // The same addresses: another machine has one of them, or the order is another one.
  if (joined.length + left.length === 0 && before.count === after.count) return [];
  return [{ kind: 'nodes', ...counts, joined, left }];
}

function stepChanges(before: Preview, after: Preview): PlanChange[] {
  const template =
    before.template.id === after.template.id
      ? []
      : [{ kind: 'template' as const, before: before.template.name, after: after.template.name }];
  const [had, has] = [before, after].map(({ steps }) => steps.map(({ name }) => name).join(' → '));
  if (had !== has) return [...template, { kind: 'steps', before: had ?? '', after: has ?? '' }];
  return [
    ...template,
    ...before.steps.flatMap((step, index): PlanChange[] => {
      const now = after.steps[index] as Preview['steps'][number];
      const limits = ({ retry_times, ignore_error, timeout }: typeof step): string =>
        JSON.stringify([retry_times, ignore_error, timeout]);
      return [
        ...(limits(step) === limits(now) ? [] : [{ kind: 'limits' as const, step: step.name }]),
        ...valueChanges(step, now),
        ...scriptChanges(step, now),
      ];
    }),
  ];
}

type Step = Preview['steps'][number];

function valueChanges(before: Step, after: Step): PlanChange[] {
  const names = new Set([...before.params, ...after.params].map(({ name }) => name));
  const shownValue = ({ params }: Step, wanted: string): string | undefined => {
    const found = params.find(({ name }) => name === wanted);
    return found && (found.secret ? `‹${found.value}›` : found.value);
  };
  return [...names].flatMap((name): PlanChange[] => {
    const [had, has] = [shownValue(before, name), shownValue(after, name)];
    return had === has ? [] : [{ kind: 'value', step: before.name, name, before: had, after: has }];
  });
}

function scriptChanges(before: Step, after: Step): PlanChange[] {
  const had = new Map(before.actions.map(({ name, module, script }) => [name, `${module} ${script}`]));
  const has = new Map(after.actions.map(({ name, module, script }) => [name, `${module} ${script}`]));
  return [...new Set([...had.keys(), ...has.keys()])].flatMap((action): PlanChange[] =>
    had.get(action) === has.get(action) ? [] : [{ kind: 'script', step: before.name, action }],
  );
}

function taskChanges(before: Preview, after: Preview): PlanChange[] {
  return after.tasks.flatMap((task): PlanChange[] => {
    const had = before.tasks.find(({ pool_id }) => pool_id === task.pool_id);
    if (!had) return [];
    const sizes = ({ batches, batch_size }: typeof task): string => `${batches} × ${batch_size}`;
    return [
      ...(sizes(had) === sizes(task)
        ? []
        : [{ kind: 'batches' as const, pool: task.pool_name, before: sizes(had), after: sizes(task) }]),
      ...(had.max_failed === task.max_failed
        ? []
        : [{ kind: 'budget' as const, before: had.max_failed, after: task.max_failed }]),
    ];
  });
}
