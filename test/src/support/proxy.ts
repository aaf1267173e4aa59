import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between Rigel and an SSH server: what happens on the node goes on while the way to it is cut. */
export class NodeProxy {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  port = 0;

  constructor(private readonly target: number) {}

  /** Lets connections through, always on the same port. */
  async open(): Promise<void> {
    const server = createServer((client) => {
      const node = connect(this.target, '127.0.0.1');
      for (const [one, other] of [
        [client, node],
        [node, client],
      ] as const) {
        this.sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => this.sockets.delete(one));
        one.pipe(other);
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.server = server;
    this.port = (server.address() as { port: number }).port;
  }

  /** Breaks every connection and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
