import type { PlacedNode } from '@rigel/api-client';
import { type Found, findAddresses } from '../../nodes/find-addresses.js';
import type { ChosenNodes } from '../../nodes/node-list.js';
import { readOldestNodes, readSelected } from '../../nodes/read-nodes.js';

/** How the nodes that leave a pool are chosen. */
export type ShrinkChoice =
  | { by: 'selected'; chosen: ChosenNodes }
  | { by: 'oldest'; count: number; madeBy: 'any' | 'manual' | 'crontab' }
  | { by: 'list'; text: string };

const KINDS = ['held', 'foreign', 'unknown', 'wrong', 'double', 'noAddress'] as const;
/** Why an address of a choice cannot be given back, or is passed over. */
export type Excluded = (typeof KINDS)[number];

/** The nodes of a choice, told apart before anything is done. */
export interface ShrinkNodes {
  usable: readonly PlacedNode[];
  excluded: readonly { kind: Excluded; addresses: readonly string[] }[];
}

const NO_ADDRESS = '-';

/** @param leavesOut nodes that a task holds are passed over; otherwise the plan says that it would be refused */
export async function readShrinkNodes(
  poolId: number,
  choice: ShrinkChoice,
  leavesOut: boolean,
): Promise<ShrinkNodes> {
  const kindOf = (node: PlacedNode): Excluded | undefined => {
    if (node.pool_id !== poolId) return 'foreign';
    if (node.ip === NO_ADDRESS) return 'noAddress';
    return node.held_by && leavesOut ? 'held' : undefined;
  };
  switch (choice.by) {
    case 'selected': {
      const { selection, filters } = choice.chosen;
      const nodes = await readSelected(selection, filters);
      return toldApart(nodes.map((node) => ({ node, name: node.ip, kind: kindOf(node) })));
    }
    case 'oldest': {
      const filters = { pool_id: poolId, ...(choice.madeBy === 'any' ? {} : { made_by: choice.madeBy }) };
      const usable = await readOldestNodes(filters, choice.count, (node) => kindOf(node) === undefined);
      return { usable, excluded: [] };
    }
    case 'list': {
      const found = await findAddresses(choice.text);
      return toldApart(
        found.map((one) => ({ node: one.node, name: one.address, kind: kindOfFound(one, kindOf) })),
      );
    }
    default:
      return choice satisfies never;
  }
}

function kindOfFound(
  { node, problem, same_as }: Found,
  kindOf: (node: PlacedNode) => Excluded | undefined,
): Excluded | undefined {
  if (problem !== null) return 'wrong';
  if (same_as !== null) return 'double';
  return node === null ? 'unknown' : kindOf(node);
}

function toldApart(
  all: readonly { node: PlacedNode | null; name: string; kind: Excluded | undefined }[],
): ShrinkNodes {
  return {
    usable: all.flatMap(({ node, kind }) => (kind === undefined && node ? [node] : [])),
    excluded: KINDS.map((kind) => ({
      kind,
      addresses: all.filter((one) => one.kind === kind).map(({ name }) => name),
    })).filter(({ addresses }) => addresses.length > 0),
  };
}
