import { type PlacedNode, unwrap } from '@rigel/api-client';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { api } from '../../api/api.js';
import { findAddresses } from '../nodes/find-addresses.js';
import { readAllNodes } from '../nodes/read-nodes.js';
import type { Draft } from './draft.js';

/** Nodes of a form, and what of it leads to none. */
export interface ChosenNodes {
  addresses: readonly string[];
  /** The nodes, where the API was asked about each. */
  nodes: readonly PlacedNode[];
  /** Addresses of the list that no node has. */
  unknown: readonly string[];
  /** Entries of the list that are no addresses, and why. */
  problems: readonly string[];
  /** Addresses of the list that are the machine of one before. */
  doubles: readonly string[];
}

const NONE: ChosenNodes = { addresses: [], nodes: [], unknown: [], problems: [], doubles: [] };

const TASK = /^[1-9]\d{0,14}$/;

/** What of a form decides which nodes they are. */
function sourceOf(draft: Draft) {
  const { by, pools, status, ip, version, labels, nodes, from, state, step, reason } = draft;
  switch (by) {
    case 'pool':
      return { by, pools, status, ip, version };
    case 'labels':
      return { by, pools, status, labels: labels.trim() };
    case 'list':
      return { by, nodes: nodes.trim() };
    case 'task':
      return { by, from, state, step, reason };
    default:
      return by satisfies never;
  }
}

/** Whether something chooses nodes. */
function isSource(source: ReturnType<typeof sourceOf>): boolean {
  switch (source.by) {
    case 'pool':
      return source.pools.length > 0;
    case 'labels':
      return source.labels !== '';
    case 'list':
      return source.nodes !== '';
    case 'task':
      return TASK.test(source.from.trim());
    default:
      return source satisfies never;
  }
}

/**
 * The nodes of a form, read when what chooses them has changed: nodes that are entered later do not slip in. Nothing is read as long
 * as nothing is chosen.
 */
export function useChosenNodes(draft: Draft): UseQueryResult<ChosenNodes> {
  const source = sourceOf(draft);
  const isChosen = isSource(source);
  return useQuery({
    queryKey: ['chosen nodes', isChosen ? source : 'none'],
    queryFn: async (): Promise<ChosenNodes> => {
      if (!isChosen) return NONE;
      switch (source.by) {
        case 'pool':
          return nodesOfPools(source);
        case 'labels':
          return nodesOfLabels(source);
        case 'list':
          return nodesOfList(source.nodes);
        case 'task':
          return nodesOfTask(source);
        default:
          return source satisfies never;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

async function nodesOfPools({
  pools,
  status,
  ip,
  version,
}: Pick<Draft, 'pools' | 'status' | 'ip' | 'version'>): Promise<ChosenNodes> {
  const filters = {
    status: status || undefined,
    ip: ip.trim() || undefined,
    version: version.trim() || undefined,
  };
  const nodes = (await Promise.all(pools.map((pool_id) => readAllNodes({ ...filters, pool_id })))).flat();
  return { ...NONE, nodes, addresses: nodes.map(({ ip }) => ip) };
}

/** The nodes that match a selector now. Which of them the task takes, the plan says: it makes the selection. */
async function nodesOfLabels({
  pools,
  status,
  labels,
}: Pick<Draft, 'pools' | 'status' | 'labels'>): Promise<ChosenNodes> {
  const filters = { status: status || undefined, labels };
  const parts = pools.length === 0 ? [filters] : pools.map((pool_id) => ({ ...filters, pool_id }));
  const nodes = (await Promise.all(parts.map(readAllNodes))).flat().filter(({ ip }) => ip !== '-');
  return { ...NONE, nodes, addresses: nodes.map(({ ip }) => ip) };
}

async function nodesOfList(list: string): Promise<ChosenNodes> {
  const found = await findAddresses(list);
  const nodes = found.flatMap(({ node, same_as }) => (node && same_as === null ? [node] : []));
  return {
    nodes,
    addresses: nodes.map(({ ip }) => ip),
    unknown: found.flatMap(({ address, node, problem, same_as }) =>
      node === null && problem === null && same_as === null ? [address] : [],
    ),
    problems: found.flatMap(({ problem }) => problem ?? []),
    doubles: found.flatMap(({ address, same_as }) => (same_as === null ? [] : [address])),
  };
}

async function nodesOfTask({
  from,
  state,
  step,
  reason,
}: Pick<Draft, 'from' | 'state' | 'step' | 'reason'>): Promise<ChosenNodes> {
  const addresses: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await unwrap(
      api.GET('/task/{id}/runs', {
        params: {
          path: { id: Number(from) },
          query: {
            ...(state === '' ? {} : { state }),
            ...(step === '' ? {} : { step }),
            ...(reason === '' ? {} : { reason }),
            limit: 1_000,
            ...(cursor === undefined ? {} : { cursor }),
          },
        },
      }),
    );
    addresses.push(...page.rows.map(({ ip }) => ip));
    if (page.next === null) return { ...NONE, addresses };
    cursor = page.next;
  }
}
