import type { Duplex } from 'node:stream';
import { plainText } from './plain-text.js';

/** How many bytes of a server's text are kept; messages have fewer characters. */
const KEPT = 2_048;
const TOLD_CHARACTERS = 300;

/** The text that a server sends while the client connects, for the message that it refused the connection. */
export class ServerWords {
  private beforeSsh = '';
  private readonly banners: string[] = [];
  private lastWords = '';

  /** Reads the text before the server's identification (`SSH-2.0-…`), which says why it turns the client away. */
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

  /** Takes a banner, which comes before or with the refusal of a login. */
  banner(text: string): void {
    if (this.banners.length < 10) this.banners.push(text.slice(0, KEPT));
  }

  /** Takes the description of a disconnect. */
  disconnect(text: string): void {
    this.lastWords = text.slice(0, KEPT);
  }

  /** Whether the server answers by HTTP. */
  get isWebServer(): boolean {
    return this.beforeSsh.startsWith('HTTP/');
  }

  /** All of the text in one line, `: Exceeded MaxStartups`; empty if the server said nothing. */
  get told(): string {
    const words = [this.beforeSsh, ...this.banners, this.lastWords].map((text) =>
      plainText(text, TOLD_CHARACTERS),
    );
    const text = plainText([...new Set(words)].filter((word) => word !== '').join('; '), TOLD_CHARACTERS);
    return text === '' ? '' : `: ${text}`;
  }
}
