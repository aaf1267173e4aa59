import { setTimeout as sleep } from 'node:timers/promises';
import {
  DEFAULT_RPC_TIMEOUT_MS,
  health,
  inventory,
  type OnceRpc,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  SERVICES,
  ServiceError,
  type ServiceName,
  tasks,
} from '@rigel/contracts';
import type { Bus, CallContext } from '@rigel/messaging';

/** Most operations that may take long have ended after this time. */
const FIRST_LOOK_MS = 500;
const LOOK_AGAIN_MS = 300;
/** A service that does not answer, or is not well, for this long is down, and not only busy. */
const DOWN_MS = DEFAULT_RPC_TIMEOUT_MS - FIRST_LOOK_MS;

/**
 * The reason that ends the watch of a call that is over. Made once: an error for each call would cost more than the
 * rest of it.
 */
const OVER = new Error('the call is over');

/** The services that take part in an operation, in addition to the one that answers it. */
const OTHERS: ReadonlyMap<Rpc, readonly ServiceName[]> = new Map<Rpc, readonly ServiceName[]>([
  ...[tasks.create, tasks.expand, tasks.shrink, tasks.deploy].map((rpc): [Rpc, ServiceName[]] => [
    rpc,
    ['inventory', 'catalog'],
  ]),
  [inventory.removeNodes, ['scheduler']],
]);

/**
 * Calls an operation. If it may take longer than a client should wait for bad news, the gateway watches the services
 * that take part: when one of them, or its database, is down, the call fails as early as any other.
 * @throws ServiceError
 */
export async function callPatiently<R extends Rpc>(
  bus: Bus,
  rpc: R,
  data: RpcRequest<R>,
  context: CallContext,
): Promise<RpcResponse<R>> {
  if (rpc.timeoutMs <= DEFAULT_RPC_TIMEOUT_MS) return bus.call(rpc, data, context);
  const over = new AbortController();
  let firstLook: NodeJS.Timeout | undefined;
  const down = new Promise<never>((_resolve, reject) => {
    firstLook = setTimeout(() => {
      failWhenDown(bus, participants(rpc), context, over.signal).catch(reject);
    }, FIRST_LOOK_MS).unref();
  });
  const call = bus.call(rpc, data, context);
  // The second of the two to end has no reader any more.
  call.catch(() => undefined);
  down.catch(() => undefined);
  try {
    return await Promise.race([call, down]);
  } finally {
    clearTimeout(firstLook);
    over.abort(OVER);
  }
}

function participants(rpc: Rpc): ServiceName[] {
  // Under a key, the operation is part of the request.
  const operation = 'operation' in rpc ? (rpc as OnceRpc).operation : rpc;
  const owner = SERVICES.find((name) => rpc.subject.startsWith(`rigel.${name}.`));
  return [...(owner ? [owner] : []), ...(OTHERS.get(operation) ?? [])];
}

/** Never resolves; rejects when one of the services is down, or when the call is over. */
async function failWhenDown(
  bus: Bus,
  services: readonly ServiceName[],
  context: CallContext,
  signal: AbortSignal,
): Promise<never> {
  const watch = async (service: ServiceName): Promise<never> => {
    while (!signal.aborted) {
      const wrong = await whatIsDown(bus, service, context, signal);
      if (wrong !== undefined) throw new ServiceError('unavailable', `${service} cannot work: ${wrong}`);
      await pause(FIRST_LOOK_MS, signal);
    }
    throw OVER;
  };
  return Promise.race(services.map(watch));
}

/** Undefined as soon as the service is well; else the fault that it named, or that it did not answer. */
async function whatIsDown(
  bus: Bus,
  service: ServiceName,
  { correlationId, actor }: CallContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const until = Date.now() + DOWN_MS;
  while (!signal.aborted) {
    let wrong: string | undefined;
    try {
      const timeoutMs = until - Date.now();
      const { checks } = await bus.call(health(service), {}, { correlationId, actor, timeoutMs });
      wrong = Object.values(checks).find((state) => state !== 'ok');
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      wrong = error.message;
    }
    if (wrong === undefined || until - Date.now() <= LOOK_AGAIN_MS) return wrong;
    await pause(LOOK_AGAIN_MS, signal);
  }
  return undefined;
}

/** Ends early, without an error, when the call is over. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
