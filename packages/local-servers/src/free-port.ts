import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Below the range from which Linux (32768 and up) and macOS (49152 and up) take ports for outgoing connections.
// A server that dies and comes back needs its port again; a port of that range could meanwhile belong to some
// client, or even to our own client, which while trying to reconnect can be given the very port it dials
// and so connects to itself.
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 100;
/** So long a server may take to listen on the port that was found for it. */
const RESERVED_MS = 60_000;

/**
 * Finds a TCP port on which no process listens, and reserves it for a minute: no other search finds it, in any process.
 *
 * @param host address that the port must be free on
 * @returns a random port from 15000 to 32000
 * @throws Error when no free port is found
 */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if ((await canListen(host, port)) && (await reserve(port))) return port;
  }
  throw new Error(`no free TCP port found on ${host} from ${FIRST_PORT} to ${LAST_PORT}`);
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Binds the UDP port of the same number, which no server here uses: other searches for a port see that it is reserved.
 */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    // After any other error there is no reservation, and the rest works all the same.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      socket.unref();
      setTimeout(() => socket.close(), RESERVED_MS).unref();
      resolve(true);
    });
  });
}
