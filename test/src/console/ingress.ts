import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Lies before all addresses of the system, as of one that shares its host with others. */
const PREFIX = '/rigel';

/** What the ingress answers by itself. */
export interface Refusal {
  /** Of the path without prefix and query. */
  path: RegExp;
  status: number;
}

/**
 * Stands before the gateways as an ingress with a prefix does: it counts the live streams, sends requests to one gateway or
 * another, refuses some, cuts streams, and can be taken away.
 */
export class Ingress {
  /** Live streams that are open. */
  readonly open = new Set<ServerResponse>();
  /** Live streams that have been opened so far. */
  opened = 0;
  refusals: Refusal[] = [];
  /** Each live stream is cut after so long. */
  cutAfterMs: number | undefined;
  private port = 0;

  private constructor(
    /** Where requests go from now on. */
    public upstream: string,
    private readonly server: Server,
  ) {
    server.on('request', (asked, answer) => {
      const url = new URL((asked.url ?? '/').slice(PREFIX.length) || '/', this.upstream);
      const isLive = url.pathname === '/live';
      const refusal = this.refusals.find(({ path }) => path.test(url.pathname));
      if (refusal) {
        const body = JSON.stringify({ code: refusal.status, msg: 'the ingress refuses it', data: {} });
        answer.writeHead(refusal.status, { 'content-type': 'application/json' }).end(body);
        return;
      }
      // With the name by which the browser knows the system, which its Origin repeats.
      const sent = request(url, { method: asked.method, headers: asked.headers });
      sent.on('response', (got) => {
        answer.writeHead(got.statusCode ?? 500, got.headers);
        got.pipe(answer);
        got.on('error', () => answer.destroy());
      });
      sent.on('error', () => answer.destroy());
      answer.on('close', () => sent.destroy());
      asked.pipe(sent);
      if (isLive) this.watch(answer);
    });
  }

  static async start(upstream: string): Promise<Ingress> {
    const ingress = new Ingress(upstream, createServer());
    await ingress.listen();
    return ingress;
  }

  /** Address of the console. */
  get console(): string {
    return `http://127.0.0.1:${this.port}${PREFIX}/console/`;
  }

  /** Takes connections, always on the same port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Breaks every connection and refuses new ones. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  cutStreams(): void {
    for (const stream of this.open) stream.destroy();
  }

  private watch(answer: ServerResponse): void {
    this.opened++;
    this.open.add(answer);
    const timer =
      this.cutAfterMs === undefined ? undefined : setTimeout(() => answer.destroy(), this.cutAfterMs);
    answer.on('close', () => {
      clearTimeout(timer);
      this.open.delete(answer);
    });
  }
}
