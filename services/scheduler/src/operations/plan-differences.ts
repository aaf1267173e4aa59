import { secretMark } from '@rigel/command-template';
import {
  isSecretParameter,
  type PlanDifference,
  type ResolvedStep,
  SHOWN_SCRIPT,
  SHOWN_VALUE,
  stepLimitsOf,
  type ValueSource,
} from '@rigel/contracts';
import type { PlannedStep } from '../task/events.js';
import { withWholeNumbers } from '../task/options.js';

/*
 * What differs between the steps that a task was recorded with and those that its template has now. A value that did not come from
 * the template is the task's own, and no difference. Pure.
 */

type Action = ResolvedStep['actions'][number];
type Part = Pick<PlanDifference, 'kind' | 'name' | 'recorded' | 'now'>;

/** Two things with one name, by their indexes; undefined: it is not there. */
interface Pair {
  recorded: number | undefined;
  now: number | undefined;
}

/**
 * @param sources where the values of each recorded step come from; absent: values are not compared.
 * @returns the differences in the order of the recorded steps, then steps that the template has beside them.
 */
export function planDifferences(
  recorded: readonly PlannedStep[],
  now: readonly ResolvedStep[],
  sources: readonly Readonly<Record<string, ValueSource>>[] | undefined,
): PlanDifference[] {
  const pairs = pairsByName(recorded, now);
  const moved = movedIn(pairs);
  return pairs.flatMap((pair): PlanDifference[] => {
    const before = pair.recorded === undefined ? undefined : recorded[pair.recorded];
    const after = pair.now === undefined ? undefined : now[pair.now];
    const place = (index: number | undefined): number | null => (index === undefined ? null : index + 1);
    const [step_num, step_num_now] = [place(pair.recorded), place(pair.now)];
    const parts: Part[] =
      before && after
        ? [
            ...(moved.has(pair)
              ? [{ kind: 'place' as const, name: '', recorded: `${step_num}`, now: `${step_num_now}` }]
              : []),
            ...optionParts(before, after),
            ...(sources ? valueParts(before, withWholeNumbers(after), sources[pair.recorded ?? -1]) : []),
            ...actionParts(before.actions, after.actions),
          ]
        : [{ kind: 'step', name: '', recorded: before?.name ?? null, now: after?.name ?? null }];
    return parts.map((part) => ({ step: (before ?? after)?.name ?? '', step_num, step_num_now, ...part }));
  });
}

/** Pairs things of two lists by name; of those with one name the first with the first, and so on. */
function pairsByName(
  recorded: readonly { readonly name: string }[],
  now: readonly { readonly name: string }[],
): Pair[] {
  const left = new Map<string, number[]>();
  for (const [index, { name }] of now.entries()) left.set(name, [...(left.get(name) ?? []), index]);
  const pairs = recorded.map(({ name }, index): Pair => ({ recorded: index, now: left.get(name)?.shift() }));
  const others = [...left.values()].flat().sort((a, b) => a - b);
  return [...pairs, ...others.map((index): Pair => ({ recorded: undefined, now: index }))];
}

/** The pairs that stand at another place among the others: all but a longest part that has kept its order. */
function movedIn(pairs: readonly Pair[]): Set<Pair> {
  const both = pairs.filter(({ recorded, now }) => recorded !== undefined && now !== undefined);
  // Of the pairs that end with each: the longest that are in order.
  const chains: Pair[][] = [];
  for (const pair of both) {
    const before = chains.filter((chain) => (chain.at(-1)?.now ?? -1) < (pair.now ?? 0));
    const longest = before.reduce<Pair[]>((best, one) => (one.length > best.length ? one : best), []);
    chains.push([...longest, pair]);
  }
  const kept = chains.reduce<Pair[]>((best, one) => (one.length > best.length ? one : best), []);
  return new Set(both.filter((pair) => !kept.includes(pair)));
}

const textOf = (value: unknown): string | null => (value === undefined ? null : String(value));

function optionParts(before: ResolvedStep, after: ResolvedStep): Part[] {
  const options = (step: ResolvedStep) => ({ reboot: false, ...step.retry, ...stepLimitsOf(step) });
  const [old, now] = [options(before), options(after)];
  const kinds = ['retry_times', 'ignore_error', 'timeout', 'stop_grace', 'reboot', 'ready_wait'] as const;
  return kinds
    .filter((kind) => old[kind] !== now[kind])
    .map((kind) => ({ kind, name: '', recorded: textOf(old[kind]), now: textOf(now[kind]) }));
}

function valueParts(
  before: ResolvedStep,
  after: ResolvedStep,
  sources: Readonly<Record<string, ValueSource>> = {},
): Part[] {
  const names = new Set([...Object.keys(before.param_values), ...Object.keys(after.param_values)]);
  return [...names]
    .filter((name) => (sources[name] ?? 'template') === 'template')
    .map((name) => [name, valueText(before.param_values[name]), valueText(after.param_values[name])] as const)
    .filter(([, recorded, now]) => recorded !== now)
    .map(([name, recorded, now]) => ({
      kind: 'value',
      name,
      recorded: recorded?.slice(0, SHOWN_VALUE) ?? null,
      now: now?.slice(0, SHOWN_VALUE) ?? null,
    }));
}

function valueText(value: unknown): string | null {
  if (value === undefined) return null;
  if (isSecretParameter(value)) return secretMark(value.secret);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function actionParts(recorded: readonly Action[], now: readonly Action[]): Part[] {
  const pairs = pairsByName(recorded, now);
  const parts = pairs.flatMap((pair): Part[] => {
    const before = pair.recorded === undefined ? undefined : recorded[pair.recorded];
    const after = pair.now === undefined ? undefined : now[pair.now];
    const name = (before ?? after)?.name ?? '';
    const script = (action: Action | undefined) => action?.text.slice(0, SHOWN_SCRIPT) ?? null;
    if (!before || !after) return [{ kind: 'action', name, recorded: script(before), now: script(after) }];
    const differ = (kind: 'script' | 'module' | 'types', of: (action: Action) => string): Part[] =>
      of(before) === of(after)
        ? []
        : [
            {
              ...{ kind, name },
              recorded: of(before).slice(0, SHOWN_SCRIPT),
              now: of(after).slice(0, SHOWN_SCRIPT),
            },
          ];
    return [
      ...differ('module', ({ module }) => module),
      ...differ('types', typesText),
      ...differ('script', ({ text }) => text),
    ];
  });
  if (movedIn(pairs).size === 0) return parts;
  const names = (actions: readonly Action[]) => actions.map(({ name }) => name).join(', ');
  return [{ kind: 'order', name: '', recorded: names(recorded), now: names(now) }, ...parts];
}

function typesText({ params }: Action): string {
  return Object.entries(params)
    .map(([name, type]) => `${name}: ${type}`)
    .sort()
    .join(', ');
}
