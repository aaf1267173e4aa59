import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../provider-error.js';

/** A server, as in the answer of `show servers state`. */
export interface HaproxyServer {
  name: string;
  /** Address and port, `10.0.0.5:8080`. */
  address: string;
  /** 0 down, 1 starting, 2 up, 3 going down. */
  operational: number;
  /** Bits; none set: it is wanted in service. */
  administrative: number;
}

/** Bits of the administrative state. */
export const MAINTENANCE = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
export const DRAIN = 0x08 | 0x10;

const LONGEST_ANSWER = 16 * 1024 * 1024;
/** Longest pause between two tries to get into the socket's queue of clients. */
const BUSY_MS = 50;

/**
 * The socket's queue of clients is full, so HAProxy has not seen the command. (A connection to a port waits on its
 * own.)
 */
class SocketBusy extends Error {}

/** HAProxy's runtime API. */
export class HaproxySocket {
  private readonly target: { path: string } | { host: string; port: number };

  /** @param socket path of the UNIX socket, or `host:port`. */
  constructor(private readonly socket: string) {
    const colon = socket.lastIndexOf(':');
    this.target = socket.startsWith('/')
      ? { path: socket }
      : { host: socket.slice(0, colon), port: Number(socket.slice(colon + 1)) };
  }

  /** Sends one command, as soon as HAProxy takes one more client. @returns the answer, trimmed. */
  async send(command: string, signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        return await this.sendOnce(command, signal);
      } catch (error) {
        if (!(error instanceof SocketBusy)) throw error;
        // A random pause: executors that were refused together must not come back together.
        await sleep(Math.random() * BUSY_MS, undefined, { signal });
      }
    }
  }

  private sendOnce(command: string, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      let answer = '';
      let connected = false;
      const socket = connect(this.target);
      const onAbort = (): void => {
        socket.destroy();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      socket.setEncoding('utf8');
      socket.on('connect', () => {
        connected = true;
        // The socket stays open: HAProxy drops a client that closes its half before the answer.
        socket.write(`${command}\n`);
      });
      socket.on('data', (text: string) => {
        answer += text;
        if (answer.length > LONGEST_ANSWER) socket.destroy(new Error('the answer is too long'));
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (!connected && error.code === 'EAGAIN') return reject(new SocketBusy());
        reject(
          new ProviderError(
            connected ? 'unknown' : 'unavailable',
            `the HAProxy socket ${this.socket} ${connected ? 'broke' : 'is not reached'}: ${error.code ?? error.message}`,
          ),
        );
      });
      socket.on('close', () => {
        signal.removeEventListener('abort', onAbort);
        resolve(answer.trim());
      });
    });
  }

  /** Every server of a backend. */
  async servers(backend: string, signal: AbortSignal): Promise<HaproxyServer[]> {
    const answer = await this.send(`show servers state ${backend}`, signal);
    const lines = answer.split('\n');
    const titles = lines
      .find((line) => line.startsWith('# '))
      ?.slice(2)
      .split(' ');
    if (!titles)
      throw new ProviderError('refused', `HAProxy does not show the servers of ${backend}: ${answer}`);
    const rows = lines.filter((line) => line !== '' && !line.startsWith('#') && !/^\d+$/.test(line));
    return rows.map((line) => {
      const values = line.split(' ');
      const field = (title: string): string => values[titles.indexOf(title)] ?? '';
      const host = field('srv_addr');
      return {
        name: field('srv_name'),
        address: host.includes(':') ? `[${host}]:${field('srv_port')}` : `${host}:${field('srv_port')}`,
        operational: Number(field('srv_op_state')),
        administrative: Number(field('srv_admin_state')),
      };
    });
  }

  /** The number of requests that a server works on or that wait for it. */
  async sessions(backend: string, server: string, signal: AbortSignal): Promise<number> {
    const lines = (await this.send('show stat', signal)).split('\n');
    const titles = lines[0]?.replace(/^# /, '').split(',') ?? [];
    for (const line of lines.slice(1)) {
      const values = line.split(',');
      if (values[0] !== backend || values[1] !== server) continue;
      return Number(values[titles.indexOf('scur')] || 0) + Number(values[titles.indexOf('qcur')] || 0);
    }
    return 0;
  }
}
