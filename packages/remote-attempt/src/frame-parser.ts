import { ConnectionLost } from './connection-lost.js';

/** Takes the results of a frame parser. */
export interface FrameHandlers {
  /** A control line of the node script, without the nonce. */
  control(line: string): void;
  /** Bytes that belong to the last control line. Valid only during the call's turn; not copied. */
  data(chunk: Buffer): void;
}

/** Lines of the node scripts have a few hundred bytes; a longer line is not from them and is not collected. */
const LONGEST_LINE = 4096;

/** How much of a login shell's output before the script is kept, for error messages. */
const NOISE_LIMIT = 300;

/**
 * Parses the standard output of a node script. The script writes control lines `\n<nonce> <words>\n`; all bytes between
 * one control line and the next are data of the first. The nonce is random for every run and only the script knows it,
 * so output cannot pass for a control line, and no length has to be known beforehand. Bytes before the first control
 * line are noise of the login shell (a motd, an rc file that prints).
 */
export class FrameParser {
  /** The first bytes before the first control line. */
  noise = '';
  private readonly delimiter: Buffer;
  private pending: Buffer = Buffer.alloc(0);
  private started = false;

  constructor(
    nonce: string,
    private readonly handlers: FrameHandlers,
  ) {
    this.delimiter = Buffer.from(`\n${nonce} `, 'latin1');
  }

  /** @throws ConnectionLost for a control line that is too long; errors of the handlers. */
  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (;;) {
      const at = this.pending.indexOf(this.delimiter);
      if (at < 0) {
        const safe = this.pending.length - this.heldBack();
        this.pass(this.pending.subarray(0, safe));
        this.pending = this.pending.subarray(safe);
        return;
      }
      this.pass(this.pending.subarray(0, at));
      const lineStart = at + this.delimiter.length;
      const lineEnd = this.pending.indexOf(10, lineStart);
      if ((lineEnd < 0 ? this.pending.length : lineEnd) - lineStart > LONGEST_LINE) {
        throw new ConnectionLost(`the node sent a control line of more than ${LONGEST_LINE} bytes`);
      }
      if (lineEnd < 0) {
        this.pending = this.pending.subarray(at);
        return;
      }
      const line = this.pending.toString('utf8', lineStart, lineEnd);
      this.pending = this.pending.subarray(lineEnd + 1);
      this.started = true;
      this.handlers.control(line);
    }
  }

  /** The stream has ended: bytes that were held back as a possible beginning of a control line are data. */
  end(): void {
    this.pass(this.pending);
    this.pending = Buffer.alloc(0);
  }

  private pass(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.started) this.handlers.data(bytes);
    else if (this.noise.length < NOISE_LIMIT) {
      this.noise = (this.noise + bytes.toString('utf8', 0, NOISE_LIMIT)).slice(0, NOISE_LIMIT);
    }
  }

  /** How many bytes at the end may be the beginning of a delimiter. */
  private heldBack(): number {
    const from = Math.max(0, this.pending.length - this.delimiter.length + 1);
    for (let at = this.pending.indexOf(10, from); at >= 0; at = this.pending.indexOf(10, at + 1)) {
      const tail = this.pending.subarray(at);
      if (tail.equals(this.delimiter.subarray(0, tail.length))) return tail.length;
    }
    return 0;
  }
}
