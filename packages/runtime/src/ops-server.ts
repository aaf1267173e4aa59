import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { register } from 'prom-client';
import { ConfigError } from './config.js';
import type { Readiness } from './readiness.js';

export interface OpsServer {
  /** Its address. */
  url: string;
  stop(): Promise<void>;
}

/**
 * The operations server of a process, for monitoring and supervisors, never for users of the API: `/metrics` for
 * Prometheus, `/healthz` (200: the process is alive), `/readyz` (200, or 503 with the failed checks).
 * @throws ConfigError if the server cannot listen at the address.
 */
export async function startOpsServer(options: {
  host: string;
  /** 0: any free one. */
  port: number;
  readiness: Readiness;
  log: Logger;
}): Promise<OpsServer> {
  const { host, port, readiness, log } = options;
  const server = createServer((request, response) => {
    answer(request, response, readiness).catch((error: unknown) => {
      log.error({ err: error, url: request.url }, 'the operations server failed to answer a request');
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'internal error' });
    });
  });
  // A scraper that is gone must not keep a connection for ever.
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(whyNotListening(error, host, port)));
    server.listen(port, host, resolve);
  });
  server.on('error', (error) => log.error({ err: error }, 'the operations server failed'));
  const address = server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
  log.info({ url }, 'the operations server listens');
  return {
    url,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  readiness: Readiness,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    sendJson(response, 405, { error: 'method not allowed, allowed here: GET, HEAD' });
    return;
  }
  switch (new URL(request.url ?? '/', 'http://ops').pathname) {
    case '/healthz':
      sendJson(response, 200, { alive: true });
      return;
    case '/readyz': {
      const state = await readiness.look();
      sendJson(response, state.ready ? 200 : 503, state);
      return;
    }
    case '/metrics': {
      const text = await register.metrics();
      response.writeHead(200, { 'Content-Type': register.contentType });
      response.end(text);
      return;
    }
    default:
      sendJson(response, 404, { error: 'not found: there are /metrics, /healthz and /readyz' });
  }
}

function sendJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'Content-Type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(`RIGEL_OPS_PORT is wrong: ${port} on ${host} is in use already`);
    case 'EACCES':
      return new ConfigError(`RIGEL_OPS_PORT is wrong: ${port} needs rights that this process lacks`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`RIGEL_OPS_HOST is wrong: ${host} is no address of this machine`);
    default:
      return error;
  }
}
