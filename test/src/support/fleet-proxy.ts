import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Stands before SSH servers on loopback addresses, each of which is a node: the connections of some
 * nodes can be broken, while what runs there goes on.
 */
export class FleetProxy {
  private readonly server: Server;
  private readonly sockets = new Map<Socket, string>();

  private constructor(portOf: (host: string) => number) {
    this.server = createServer((client) => {
      const host = client.localAddress ?? '';
      const node = connect(portOf(host), host);
      for (const [one, other] of [
        [client, node],
        [node, client],
      ] as const) {
        one.setNoDelay(true);
        this.sockets.set(one, host);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  /** @param portOf the port that the SSH server of a node listens on. */
  static async start(portOf: (host: string) => number): Promise<FleetProxy> {
    const proxy = new FleetProxy(portOf);
    await new Promise<void>((resolve, reject) => {
      proxy.server.once('error', reject);
      proxy.server.listen(0, '0.0.0.0', resolve);
    });
    return proxy;
  }

  /** The port of every node. */
  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Breaks the connections of these hosts; new ones are let through. Returns how many there were. */
  cut(hosts: ReadonlySet<string>): number {
    let count = 0;
    for (const [socket, host] of this.sockets) {
      if (!hosts.has(host)) continue;
      socket.destroy();
      count++;
    }
    return Math.ceil(count / 2);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets.keys()) socket.destroy();
    await closed;
  }
}
