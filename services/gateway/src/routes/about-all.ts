import { type Rpc, type RpcResponse, ServiceError } from '@rigel/contracts';
import type { Invocation } from '../endpoint.js';

/** What is not there by then is named as missing: one service that is away keeps nobody from seeing the rest. */
const DEADLINE_MS = 2_500;

/** A part of an answer about all services: what one of them says, or why it says nothing. */
export type Part<T> = { is: T } | { missing: string };

/** Asks one service for its part. @throws what is a fault of Rigel's. */
export async function partOf<R extends Rpc>(
  call: Invocation['call'],
  rpc: R,
  request: Parameters<typeof call<R>>[1],
): Promise<Part<RpcResponse<R>>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Part<RpcResponse<R>>>((resolve) => {
    const why = `no answer in ${DEADLINE_MS / 1_000} s`;
    timer = setTimeout(() => resolve({ missing: why }), DEADLINE_MS);
  });
  const answered = call(rpc, request).then(
    (is): Part<RpcResponse<R>> => ({ is }),
    (error: unknown): Part<RpcResponse<R>> => {
      if (error instanceof ServiceError) return { missing: error.message };
      throw error;
    },
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const isThere = <T>(part: Part<T>): part is { is: T } => 'is' in part;

/** The parts that are missing, by name, each with the reason. */
export function missingOf(parts: Record<string, Part<unknown>>): { part: string; reason: string }[] {
  return Object.entries(parts).flatMap(([part, what]) =>
    'missing' in what ? [{ part, reason: what.missing }] : [],
  );
}
