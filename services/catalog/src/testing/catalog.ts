import { inventory, type Rpc, type RpcRequest, type RpcResponse } from '@rigel/contracts';
import { describeDifference, verifyHistory } from '@rigel/event-store/maintenance';
import { openExisting } from '@rigel/runtime/database';
import { runInProcess, settingsOn, silentLogger, type TestServers } from '@rigel/testing';
import type { Test } from 'tap';
import { startCatalog } from '../catalog.js';
import { catalogHistory } from '../maintenance.js';
import { migrations } from '../migrations/index.js';

export interface CatalogForTest {
  /** Calls an operation as a client would. */
  call: <R extends Rpc>(rpc: R, request: RpcRequest<R>) => Promise<RpcResponse<R>>;
  /** Starts one more replica of the service beside the first; `stop` ends it too. */
  startReplica: () => Promise<void>;
  /** What the inventory answers to who names a template; at first, that no pool names any. */
  inventory: { poolsNaming: (templateId: number) => Promise<RpcResponse<typeof inventory.poolsNaming>> };
  stop: () => Promise<void>;
}

/** Starts the service in this process on real servers, and a client beside it. */
export async function startCatalogForTest(servers: TestServers): Promise<CatalogForTest> {
  const replicas: { stop: () => Promise<void> }[] = [];
  const startReplica = async (): Promise<void> => {
    const replica = await runInProcess(startCatalog, {
      name: 'catalog',
      bus: await servers.startBus('catalog'),
      config: settingsOn(servers),
    });
    replicas.push(replica);
  };
  await startReplica();
  const bus = await servers.startBus('client');
  const neighbour: CatalogForTest['inventory'] = { poolsNaming: async () => ({ pools: [], total: 0 }) };
  bus.serve(inventory.poolsNaming, ({ template_id }) => neighbour.poolsNaming(template_id));
  return {
    call: (rpc, request) => bus.call(rpc, request, { correlationId: 'test', actor: 'tester' }),
    startReplica,
    inventory: neighbour,
    stop: async () => {
      await Promise.all(replicas.map((replica) => replica.stop()));
    },
  };
}

/** Checks that the read tables are what follows from the events. */
export async function assertReplayable(t: Test, servers: TestServers): Promise<void> {
  const db = await openExisting({
    url: servers.databaseUrl,
    schema: 'catalog',
    migrations,
    log: silentLogger,
  });
  t.teardown(() => db.destroy());
  const differences: string[] = [];
  const { events } = await verifyHistory(db, catalogHistory, {
    headOf: async () => Number.MAX_SAFE_INTEGER,
    onDifference: (difference) => differences.push(describeDifference(difference)),
  });
  t.strictSame(differences, [], `${events} events`);
}
