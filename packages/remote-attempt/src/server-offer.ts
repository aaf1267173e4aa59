import type { Duplex } from 'node:stream';
import { SshReader } from './ssh-wire.js';

/** The most bytes of an offer of algorithms, with the server's text before it. */
const MOST_BYTES = 40 * 1024;
const KEXINIT = 20;
const COOKIE_BYTES = 16;

/** The algorithms that a server offers, for messages that none of them is allowed: ssh2 does not name them. */
export class ServerOffer {
  private chunks: Buffer[] = [];
  private bytes = 0;

  /** Reads the first bytes that the server sends, which are not encrypted. */
  listenTo(socket: Duplex): void {
    const listen = (chunk: Buffer): void => {
      this.chunks.push(chunk);
      this.bytes += chunk.length;
      if (this.bytes > MOST_BYTES || this.isWhole) socket.off('data', listen);
    };
    socket.on('data', listen);
  }

  /** The offered algorithms of a kind; empty if the offer is not known. */
  of(kind: 'kex' | 'hostKey' | 'cipher' | 'mac'): string[] {
    const packet = this.packet();
    if (packet === undefined || packet[5] !== KEXINIT) return [];
    try {
      const reader = new SshReader(packet.subarray(6 + COOKIE_BYTES));
      const [kex = '', hostKey = '', cipher = '', , mac = ''] = [0, 1, 2, 3, 4].map(() => reader.text());
      const list = { kex, hostKey, cipher, mac }[kind];
      return list.split(',').filter((name) => name !== '' && !/^(ext-info-|kex-strict-)/.test(name));
    } catch {
      return [];
    }
  }

  private get isWhole(): boolean {
    return this.packet() !== undefined;
  }

  /** The first packet, once it has arrived: its length, the length of its padding, its content. */
  private packet(): Buffer | undefined {
    const data = Buffer.concat(this.chunks);
    this.chunks = [data];
    const begin = /(^|\n)SSH-2\.0-[^\n]*\n/.exec(data.toString('latin1', 0, 2_048 + 255));
    if (begin === null) return undefined;
    const packet = data.subarray(begin.index + begin[0].length);
    if (packet.length < 4 || packet.length < 4 + packet.readUInt32BE(0)) return undefined;
    return packet;
  }
}
