import {
  type ApiToken,
  access,
  newTokenSecret,
  type Role,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
} from '@rigel/contracts';
import { runInProcess, settingsOn, type TestServers } from '@rigel/testing';
import { startAccess } from '../access.js';

export interface AccessForTest {
  call: <R extends Rpc>(rpc: R, request: RpcRequest<R>) => Promise<RpcResponse<R>>;
  /** Makes a token; what a gateway would ask with. */
  token: (name: string, role: Role, expires?: number | null) => Promise<{ id: number; hash: string }>;
  tokens: () => Promise<ApiToken[]>;
  /** One more replica of the service. */
  startReplica: () => Promise<{ stop: () => Promise<void> }>;
  stop: () => Promise<void>;
}

/** Starts the service in this process on real servers, and a client beside it. */
export async function startAccessForTest(servers: TestServers): Promise<AccessForTest> {
  const startReplica = async () =>
    runInProcess(startAccess, {
      name: 'access',
      bus: await servers.startBus('access'),
      config: { ...settingsOn(servers), RIGEL_ACCESS_AUDIT_DAYS: 400 },
    });
  const { stop } = await startReplica();
  const bus = await servers.startBus('client');
  const call: AccessForTest['call'] = (rpc, request) =>
    bus.call(rpc, request, { correlationId: 'test', actor: 'tester', client: '192.0.2.7' });
  return {
    call,
    token: async (name, role, expires = null) => {
      const { hash } = newTokenSecret();
      const { id } = await call(access.createToken, { name, role, hash, expires });
      return { id, hash };
    },
    tokens: async () => (await call(access.listTokens, { page: 1, page_size: 100 })).rows,
    startReplica,
    stop,
  };
}
