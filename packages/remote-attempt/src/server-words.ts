import type { Duplex } from 'node:stream';
import { plainText } from './plain-text.js';

/** How much of what a server says is kept, in bytes; what is told is shorter still. */
const KEPT = 2_048;
const TOLD_CHARACTERS = 300;

/** What a server says while we connect to it, for whoever is told that it did not let us in. */
export class ServerWords {
  private beforeSsh = '';
  private readonly banners: string[] = [];
  private lastWords = '';

  /** Listens to what comes before the server's identification (`SSH-2.0-…`): the reason why it turns us away. */
  listenTo(socket: Duplex): void {
    const listen = (chunk: Buffer): void => {
      this.beforeSsh += chunk.toString('utf8', 0, KEPT);
      const begin = /^SSH-/m.exec(this.beforeSsh);
      if (begin === null && this.beforeSsh.length < KEPT) return;
      this.beforeSsh = this.beforeSsh.slice(0, begin?.index ?? KEPT);
      socket.off('data', listen);
    };
    socket.on('data', listen);
  }

  /** A banner, which comes before or with the refusal of a login. */
  banner(text: string): void {
    if (this.banners.length < 10) this.banners.push(text.slice(0, KEPT));
  }

  /** The description of a disconnect. */
  disconnect(text: string): void {
    this.lastWords = text.slice(0, KEPT);
  }

  /** Whether it answers in the protocol of the web. */
  get isWebServer(): boolean {
    return this.beforeSsh.startsWith('HTTP/');
  }

  /** All of it in one line, `: Exceeded MaxStartups`; empty when it said nothing. */
  get told(): string {
    const words = [this.beforeSsh, ...this.banners, this.lastWords].map((text) =>
      plainText(text, TOLD_CHARACTERS),
    );
    const text = plainText([...new Set(words)].filter((word) => word !== '').join('; '), TOLD_CHARACTERS);
    return text === '' ? '' : `: ${text}`;
  }
}
