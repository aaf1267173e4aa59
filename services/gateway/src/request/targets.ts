import { type Static, Type } from 'typebox';

const Target = Type.Object({ ip: Type.String() });

/** The nodes of a new task: `{ip}` objects, plain addresses, or a single object. */
export const TargetsInput = Type.Union([Type.Array(Type.Union([Target, Type.String()])), Target], {
  description: 'Nodes to work on, by address.',
});

export function addressesOf(targets: Static<typeof TargetsInput>): string[] {
  const list = Array.isArray(targets) ? targets : [targets];
  return list.map((target) => (typeof target === 'string' ? target : target.ip));
}
