import type { Rpc, RpcRequest, RpcResponse } from '@rigel/contracts';
import { readAll } from '@rigel/event-store';
import type { Bus } from '@rigel/messaging';
import { openDatabase } from '@rigel/runtime';
import { runInProcess, silentLogger, type TestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import type { Test } from 'tap';
import { startInventory } from './inventory.js';
import { migrations } from './migrations/index.js';
import { project } from './projection.js';

export interface InventoryForTest {
  /** Calls an operation as a client would. */
  call: <R extends Rpc>(rpc: R, request: RpcRequest<R>) => Promise<RpcResponse<R>>;
  /** The client's bus. */
  bus: Bus;
  stop: () => Promise<void>;
}

/** Starts the service in this process on real servers, and a client beside it. */
export async function startInventoryForTest(servers: TestServers): Promise<InventoryForTest> {
  const service = await runInProcess(startInventory, {
    name: 'inventory',
    bus: await servers.startBus('inventory'),
    config: {
      DATABASE_URL: servers.databaseUrl,
      NATS_URL: servers.natsUrl,
      RIGEL_SERVICE_NAME: '',
      RIGEL_LOG_LEVEL: 'info',
    },
  });
  const bus = await servers.startBus('client');
  return {
    call: (rpc, request) => bus.call(rpc, request, { correlationId: 'test', actor: 'tester' }),
    bus,
    stop: () => service.stop(),
  };
}

/** Checks that the read tables, made again from the events alone, are what they are. */
export async function assertReplayable(t: Test, servers: TestServers): Promise<void> {
  const open = (schema: string): Promise<Kysely<unknown>> =>
    openDatabase({
      url: servers.databaseUrl,
      schema,
      migrations,
      log: silentLogger,
      signal: new AbortController().signal,
      max: 1,
    });
  const original = await open('inventory');
  t.teardown(() => original.destroy());
  const copy = await open('replayed');
  t.teardown(() => copy.destroy());
  for (let position = 0; ; ) {
    const events = await readAll(original, position, 500);
    if (events.length === 0) break;
    await copy.transaction().execute((trx) => project(trx, events));
    position = events.at(-1)?.position ?? position;
  }
  for (const table of ['clusters', 'services', 'pools', 'nodes']) {
    const query = sql`SELECT * FROM ${sql.table(table)} ORDER BY id`;
    const [is, replayed] = [await query.execute(original), await query.execute(copy)];
    t.strictSame(replayed.rows, is.rows, `${table}: ${is.rows.length} rows`);
  }
}
