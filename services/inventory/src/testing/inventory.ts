import type { Rpc, RpcRequest, RpcResponse } from '@rigel/contracts';
import { describeDifference, verifyHistory } from '@rigel/event-store/maintenance';
import type { Bus } from '@rigel/messaging';
import { openExisting } from '@rigel/runtime/database';
import { runInProcess, settingsOn, silentLogger, type TestServers } from '@rigel/testing';
import type { Logger } from 'pino';
import type { Test } from 'tap';
import { startInventory } from '../inventory.js';
import { inventoryHistory } from '../maintenance.js';
import { migrations } from '../migrations/index.js';

export interface InventoryForTest {
  /** Calls an operation as a client would. */
  call: <R extends Rpc>(rpc: R, request: RpcRequest<R>) => Promise<RpcResponse<R>>;
  /** The client's bus. */
  bus: Bus;
  /** Starts one more replica of the service beside the first; `stop` ends it too. */
  startReplica: (log?: Logger) => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts the service in this process on real servers, and a client beside it. */
export async function startInventoryForTest(servers: TestServers): Promise<InventoryForTest> {
  const replicas: { stop: () => Promise<void> }[] = [];
  const startReplica = async (log?: Logger): Promise<void> => {
    const replica = await runInProcess(startInventory, {
      name: 'inventory',
      ...(log ? { log } : {}),
      bus: await servers.startBus('inventory'),
      config: { ...settingsOn(servers), RIGEL_SSH_PORT: 22 },
    });
    replicas.push(replica);
  };
  await startReplica();
  const bus = await servers.startBus('client');
  return {
    call: (rpc, request) => bus.call(rpc, request, { correlationId: 'test', actor: 'tester' }),
    bus,
    startReplica,
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
    },
  };
}

/** Checks that the read tables are what follows from the events. */
export async function assertReplayable(t: Test, servers: TestServers): Promise<void> {
  const db = await openExisting({
    url: servers.databaseUrl,
    schema: 'inventory',
    migrations,
    log: silentLogger,
  });
  t.teardown(() => db.destroy());
  const differences: string[] = [];
  const { events } = await verifyHistory(db, inventoryHistory, {
    headOf: async () => Number.MAX_SAFE_INTEGER,
    onDifference: (difference) => differences.push(describeDifference(difference)),
  });
  t.strictSame(differences, [], `${events} events`);
}
