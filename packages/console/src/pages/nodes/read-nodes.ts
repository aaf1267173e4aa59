import { type PlacedNode, unwrap } from '@rigel/api-client';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useSearchParams } from 'wouter';
import { api } from '../../api/api.js';

/** Filters of nodes, as they stand in the address. Empty: no filter. */
export interface NodeFilters {
  pool_id?: number | undefined;
  status?: string | undefined;
  state?: string | undefined;
  ip?: string | undefined;
  version?: string | undefined;
  /** A selector over labels. */
  labels?: string | undefined;
  made_by?: 'manual' | 'crontab' | undefined;
  vm_id?: string | undefined;
  held_by?: number | undefined;
}

/** Rows that one request reads. */
const ROWS = 200;
/** Rows of one request when all are read: as many as the API gives. */
const MOST_ROWS = 1_000;
/** Nodes are read again so often, in milliseconds, while few of them are shown; and otherwise. */
const POLL_MS = 5_000;
const SLOW_POLL_MS = 30_000;
const FEW_PARTS = 5;

const NAMES = ['status', 'state', 'ip', 'labels', 'version', 'made_by', 'vm_id', 'held_by'] as const;
export type FilterName = (typeof NAMES)[number];

/** The filters of the address, and how to change one. */
export function useNodeFilters(pool_id?: number): {
  filters: NodeFilters;
  set: (name: FilterName, value: string) => void;
  clear: () => void;
} {
  const [params, setParams] = useSearchParams();
  const address = params.toString();
  return useMemo(() => {
    const given = new URLSearchParams(address);
    const of = (name: FilterName): string | undefined => given.get(name)?.trim() || undefined;
    const made = of('made_by');
    const held = Number(of('held_by'));
    const change = (names: readonly FilterName[], value: string): void =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before);
          for (const name of names) {
            if (value === '') after.delete(name);
            else after.set(name, value);
          }
          return after;
        },
        { replace: true },
      );
    return {
      filters: {
        pool_id,
        status: of('status'),
        state: of('state'),
        ip: of('ip'),
        version: of('version'),
        labels: of('labels'),
        made_by: made === 'manual' || made === 'crontab' ? made : undefined,
        vm_id: of('vm_id'),
        held_by: Number.isSafeInteger(held) && held > 0 ? held : undefined,
      },
      set: (name, value) => change([name], value),
      clear: () => change(NAMES, ''),
    };
  }, [address, setParams, pool_id]);
}

async function readPart(filters: NodeFilters, limit: number, cursor: string | undefined, count: boolean) {
  const query = {
    ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    count: count ? ('exact' as const) : ('none' as const),
  };
  return unwrap(api.GET('/node/list', { params: { query } }));
}

/** The nodes that match, as far as they were scrolled to, kept current. */
export function useNodes(filters: NodeFilters) {
  return useInfiniteQuery({
    queryKey: ['nodes', filters],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => readPart(filters, ROWS, pageParam, pageParam === undefined),
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > FEW_PARTS ? SLOW_POLL_MS : POLL_MS),
  });
}

/** All nodes that match, whatever is on the screen. */
export async function readAllNodes(filters: NodeFilters): Promise<PlacedNode[]> {
  const rows: PlacedNode[] = [];
  let cursor: string | undefined;
  do {
    const part = await readPart(filters, MOST_ROWS, cursor, false);
    rows.push(...part.rows);
    cursor = part.next ?? undefined;
  } while (cursor !== undefined);
  return rows;
}

/** The oldest nodes that match and that `suits` says yes to, at most `count` of them. */
export async function readOldestNodes(
  filters: NodeFilters,
  count: number,
  suits: (node: PlacedNode) => boolean,
): Promise<PlacedNode[]> {
  const rows: PlacedNode[] = [];
  let cursor: string | undefined;
  do {
    const part = await readPart(filters, Math.min(MOST_ROWS, Math.max(ROWS, count)), cursor, false);
    rows.push(...part.rows.filter(suits));
    cursor = part.next ?? undefined;
  } while (cursor !== undefined && rows.length < count);
  return rows.slice(0, count);
}

/** The nodes that a person chose: single ones, or all that match the filters. */
export type Selection = { kind: 'nodes'; nodes: ReadonlyMap<number, PlacedNode> } | { kind: 'matching' };

export const NOTHING: Selection = { kind: 'nodes', nodes: new Map() };

export function readSelected(selection: Selection, filters: NodeFilters): Promise<PlacedNode[]> {
  return selection.kind === 'matching'
    ? readAllNodes(filters)
    : Promise.resolve([...selection.nodes.values()]);
}
