import type { Duplex } from 'node:stream';
import { SshReader } from './ssh-wire.js';

/** An offer of algorithms is no longer, with what a server says before it. */
const MOST_BYTES = 40 * 1024;
const KEXINIT = 20;
const COOKIE_BYTES = 16;

/** Which algorithms a server offers, for whoever is told that none of them is allowed: ssh2 does not say. */
export class ServerOffer {
  private chunks: Buffer[] = [];
  private bytes = 0;

  /** Listens to the beginning of what the server sends, which is not encrypted. */
  listenTo(socket: Duplex): void {
    const listen = (chunk: Buffer): void => {
      this.chunks.push(chunk);
      this.bytes += chunk.length;
      if (this.bytes > MOST_BYTES || this.isWhole) socket.off('data', listen);
    };
    socket.on('data', listen);
  }

  /** What it offers of a kind: `kex`, `hostKey`, `cipher`, `mac`; empty when it is not known. */
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

  /** The first packet, once it is there: its length, that of its padding, its content. */
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
