import { assertOneWay, Selection } from '@rigel/contracts';
import { type Static, Type } from 'typebox';
import { WrongParameter } from '../failures.js';

const Target = Type.Object({ ip: Type.String() });

/** The nodes of a new task: `{ip}` objects, plain addresses, or a single object. */
export const TargetsInput = Type.Union([Type.Array(Type.Union([Target, Type.String()])), Target], {
  description: 'Nodes to work on, by address; blank addresses are passed over.',
});

export function addressesOf(targets: Static<typeof TargetsInput>): string[] {
  const list = Array.isArray(targets) ? targets : [targets];
  return withoutBlanks(list.map((target) => (typeof target === 'string' ? target : target.ip)));
}

/**
 * The addresses that are not blank: a list that was pasted, or split at its line ends, has a blank one at the end.
 * @throws WrongParameter when all of them are blank: then the list itself is a mistake.
 */
export function withoutBlanks(addresses: readonly string[]): string[] {
  const given = addresses.filter((address) => address.trim() !== '');
  if (given.length > 0 || addresses.length === 0) return given;
  throw new WrongParameter('nodes: every address is blank, name at least one node', 'nodes', {
    code: 'blank',
  });
}

/** Chooses the nodes in place of `nodes`. */
export const SelectInput = Type.Optional({
  ...Selection,
  description: 'Chooses the nodes now, in place of nodes: docs/labels.md.',
});

/**
 * The nodes of a request that names them or selects them, as services take them.
 * @throws WrongParameter when neither is given; ServiceError when both are.
 */
export function namedOrSelected<Entry>(
  nodes: readonly Entry[] | undefined,
  select: Selection | undefined,
): { nodes: Entry[]; select?: Selection } {
  if (nodes === undefined && select === undefined)
    throw new WrongParameter('nodes is missing', 'nodes', { code: 'missing' });
  assertOneWay(nodes, select);
  return { nodes: [...(nodes ?? [])], ...(select === undefined ? {} : { select }) };
}
