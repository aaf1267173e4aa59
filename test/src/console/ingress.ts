import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Lies before all addresses of the system, as of one that shares its host with others. */
const PREFIX = '/rigel';

/** What the ingress answers by itself. */
export interface Refusal {
  /** Of the path without prefix and query. */
  path: RegExp;
  status: number;
}

/** A slow network. */
export interface Slowness {
  /** A request takes so long to arrive. */
  latencyMs: number;
  /** All answers share so many bytes a second. */
  bytesPerSecond: number;
}

/** Bytes of an answer that go over a slow network at once. */
const PIECE = 2_048;

/**
 * Stands before the gateways as an ingress with a prefix does: it counts the live streams, sends requests to one gateway or
 * another, refuses some, cuts streams, is slow, and can be taken away.
 */
export class Ingress {
  /** Live streams that are open. */
  readonly open = new Set<ServerResponse>();
  /** Live streams that have been opened so far. */
  opened = 0;
  refusals: Refusal[] = [];
  /** Each live stream is cut after so long. */
  cutAfterMs: number | undefined;
  slowness: Slowness | undefined;
  private port = 0;
  /** When the network has carried all that was given to it so far. */
  private freeAt = 0;

  private constructor(
    /** Where requests go from now on. */
    public upstream: string,
    private readonly server: Server,
  ) {
    server.on('request', async (asked, answer) => {
      if (this.slowness) await pause(this.slowness.latencyMs);
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
        got.pipe(this.network()).pipe(answer);
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

  /** Carries an answer to the browser, as fast as the network is. */
  private network(): Transform {
    const carry = async (chunk: Buffer, to: Transform): Promise<void> => {
      for (let at = 0; at < chunk.length; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE);
        if (this.slowness) {
          const now = performance.now();
          this.freeAt = Math.max(now, this.freeAt) + (piece.length / this.slowness.bytesPerSecond) * 1_000;
          await pause(this.freeAt - now);
        }
        to.push(piece);
      }
    };
    return new Transform({
      transform(chunk: Buffer, _, done) {
        void carry(chunk, this).then(() => done());
      },
    });
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
