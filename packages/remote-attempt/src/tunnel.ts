import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { ConnectFailure } from './connect-failure.js';
import type { NodeConnection } from './node-connection.js';
import { plainText } from './plain-text.js';

const clients = new WeakMap<NodeConnection, Client>();

export function registerTunnels(connection: NodeConnection, client: Client): void {
  clients.set(connection, client);
}

/**
 * Opens a tunnel to another host through a connection, whose server has to allow it (`AllowTcpForwarding`). SSH through
 * the tunnel is as hidden from the host in between as from any other.
 * @throws ConnectFailure `unreachable`, with the message of the host in between.
 */
export function openTunnel(
  connection: NodeConnection,
  target: { host: string; port: number },
): Promise<Duplex> {
  const client = clients.get(connection);
  if (client === undefined) throw new TypeError('connection: not made by connectToNode');
  const unreachable = (error: unknown) =>
    new ConnectFailure('unreachable', plainText(error instanceof Error ? error.message : String(error)), {
      cause: error,
    });
  return new Promise((resolve, reject) => {
    try {
      client.forwardOut('127.0.0.1', 0, target.host, target.port, (error, way) => {
        if (error) reject(unreachable(error));
        else resolve(way);
      });
    } catch (error) {
      reject(unreachable(error));
    }
  });
}
