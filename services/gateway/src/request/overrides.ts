import { type Static, Type } from 'typebox';
import { isRecord } from './coerce.js';

const Overrides = Type.Record(Type.String(), Type.Unknown());

/** Parameter values of a new task: a map, or an array of maps that are read one after the other. */
export const OverridesInput = Type.Union([Overrides, Type.Array(Overrides)], {
  description:
    'Parameter values: {step: {parameter: value}} for one step, {parameter: value} for every step that has it. ' +
    'A value may name a secret of the executors: {"secret": name}.',
  default: {},
});

/** What happens to values that no step uses. They are refused by default, because they may be mistyped names. */
export const UnusedParamsInput = Type.Enum(['refuse', 'warn'], {
  default: 'refuse',
  description:
    'Values that no step uses: refused, or (warn) kept, told of in the log of the task, and not used.',
});

/**
 * One map of all overrides; of two values for the same parameter the later one counts. Empty names, which clients send
 * as place-holders, are left out.
 */
export function mergeOverrides(input: Static<typeof OverridesInput>): Record<string, unknown> {
  const merged = new Map<string, unknown>();
  for (const overrides of Array.isArray(input) ? input : [input]) {
    for (const [name, value] of named(overrides)) {
      const before = merged.get(name);
      if (!isRecord(value)) merged.set(name, value);
      else
        merged.set(name, Object.fromEntries([...(isRecord(before) ? named(before) : []), ...named(value)]));
    }
  }
  return Object.fromEntries(merged);
}

function named(map: Record<string, unknown>): [string, unknown][] {
  return Object.entries(map).filter(([name]) => name !== '');
}
