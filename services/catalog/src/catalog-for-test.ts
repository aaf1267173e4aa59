import type { Rpc, RpcRequest, RpcResponse } from '@rigel/contracts';
import { readAll } from '@rigel/event-store';
import { openDatabase } from '@rigel/runtime';
import { runInProcess, silentLogger, type TestServers } from '@rigel/testing';
import { type Kysely, sql } from 'kysely';
import type { Test } from 'tap';
import { startCatalog } from './catalog.js';
import { migrations } from './migrations/index.js';
import { project } from './projection.js';

export interface CatalogForTest {
  /** Calls an operation as a client would. */
  call: <R extends Rpc>(rpc: R, request: RpcRequest<R>) => Promise<RpcResponse<R>>;
  stop: () => Promise<void>;
}

/** Starts the service in this process on real servers, and a client beside it. */
export async function startCatalogForTest(servers: TestServers): Promise<CatalogForTest> {
  const service = await runInProcess(startCatalog, {
    name: 'catalog',
    bus: await servers.startBus('catalog'),
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
    stop: () => service.stop(),
  };
}

function open(servers: TestServers, schema: string): Promise<Kysely<unknown>> {
  return openDatabase({
    url: servers.databaseUrl,
    schema,
    migrations,
    log: silentLogger,
    signal: new AbortController().signal,
    max: 1,
  });
}

/** Checks that the read tables, made again from the events alone, are what they are. */
export async function assertReplayable(t: Test, servers: TestServers): Promise<void> {
  const original = await open(servers, 'catalog');
  t.teardown(() => original.destroy());
  const copy = await open(servers, 'replayed');
  t.teardown(() => copy.destroy());
  for (let position = 0; ; ) {
    // One by one: each event alone must leave the tables in a state that their constraints allow.
    const [event] = await readAll(original, position, 1);
    if (!event) break;
    await copy.transaction().execute((trx) => project(trx, [event]));
    position = event.position;
  }
  for (const table of ['actions', 'actimpls', 'remote_steps', 'templates', 'template_steps']) {
    const query = sql`SELECT * FROM ${sql.table(table)} ORDER BY 1, 2`;
    const [is, replayed] = [await query.execute(original), await query.execute(copy)];
    t.strictSame(replayed.rows, is.rows, `${table}: ${is.rows.length} rows`);
  }
}
