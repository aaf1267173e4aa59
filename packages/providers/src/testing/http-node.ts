import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** A service on a node: it answers every request with its name, after a delay. */
export interface HttpNode {
  /** The number of answered requests. */
  readonly served: number;
  stop(): Promise<void>;
}

/** Starts a service on a loopback address. */
export async function startHttpNode(options: {
  host: string;
  port: number;
  name: string;
  /** Time for each answer. Default: none. A request for `/slow` takes three seconds. */
  delayMs?: number;
}): Promise<HttpNode> {
  let served = 0;
  const server: Server = createServer(async (request, response) => {
    await sleep(request.url === '/slow' ? 3_000 : (options.delayMs ?? 0));
    served++;
    response.end(options.name);
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    get served() {
      return served;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
