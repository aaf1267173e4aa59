import type { OutputChunk } from '../attempt-output.js';

/** A store of an attempt's output, byte by byte: each byte at its offset, and only bytes that are kept. */
export class OutputStore {
  /** The offset after the last byte. */
  end = 0;
  private bytes = Buffer.alloc(0);
  private known = new Uint8Array(0);

  readonly onOutput = ({ offset, data, kept }: OutputChunk): void => {
    const end = offset + data.length;
    if (end > this.bytes.length) {
      const room = Math.max(end, 2 * this.bytes.length);
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(room - this.bytes.length)]);
      const known = new Uint8Array(room);
      known.set(this.known);
      this.known = known;
    }
    this.end = Math.max(this.end, end);
    data.copy(this.bytes, offset);
    this.known.fill(1, offset, end);
    if (kept && end - kept.tailBytes > kept.headBytes)
      this.known.fill(0, kept.headBytes, end - kept.tailBytes);
  };

  /** The text of the store; `<n>` stands for n missing bytes. */
  get text(): string {
    const parts: string[] = [];
    for (let at = 0; at < this.end; ) {
      const next = this.known.indexOf(this.known[at] ? 0 : 1, at);
      const end = next < 0 || next > this.end ? this.end : next;
      if (this.known[at]) parts.push(this.bytes.toString('latin1', at, end));
      else if (end < this.end) parts.push(`<${end - at}>`);
      at = end;
    }
    return parts.join('');
  }

  /** The same store up to an offset, as another executor finds it. */
  upTo(end: number): OutputStore {
    const store = new OutputStore();
    store.bytes = Buffer.from(this.bytes.subarray(0, end));
    store.known = this.known.slice(0, end);
    store.end = end;
    return store;
  }
}
